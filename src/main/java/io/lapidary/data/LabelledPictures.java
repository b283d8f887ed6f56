package io.lapidary.data;

import io.lapidary.Check;
import java.util.List;

/**
 * Pictures with class numbers.
 *
 * @param pictures the pictures
 * @param labels one class number for each picture; not copied
 * @param classNames names by class number
 */
public record LabelledPictures(Pictures pictures, int[] labels, List<String> classNames) {
  /** Checks that the parts fit. */
  public LabelledPictures {
    Check.that(
        pictures.size() == labels.length,
        "%d pictures but %d labels",
        pictures.size(),
        labels.length);
    classNames = List.copyOf(classNames);
  }

  /** How many examples. */
  public int size() {
    return labels.length;
  }
}

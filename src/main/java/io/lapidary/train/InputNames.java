package io.lapidary.train;

import io.lapidary.Check;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/**
 * Names of the arrays of a batch, in its order. An empty name leaves an array out.
 *
 * @param features names of the feature arrays
 * @param labels names of the label arrays; fewer than the batch has leave the rest out
 */
public record InputNames(List<String> features, List<String> labels) {
  /** Copies the lists and checks that no name is used twice. */
  public InputNames {
    features = List.copyOf(features);
    labels = List.copyOf(labels);
    List<String> all =
        java.util.stream.Stream.concat(features.stream(), labels.stream())
            .filter(name -> !name.isEmpty())
            .toList();
    Check.that(all.stream().distinct().count() == all.size(), "input names repeat: %s", all);
    Check.that(!all.isEmpty(), "name at least one array of the batch");
  }

  /** The arrays of a batch by name. */
  public Map<String, INDArray> feeds(MultiDataSet batch) {
    Map<String, INDArray> feeds = new LinkedHashMap<>();
    put(feeds, "feature", features, batch.getFeatures());
    put(feeds, "label", labels, batch.getLabels());
    return feeds;
  }

  private static void put(
      Map<String, INDArray> feeds, String kind, List<String> names, INDArray[] arrays) {
    int found = arrays == null ? 0 : arrays.length;
    Check.that(
        names.size() <= found,
        "%d %s arrays are named (%s), but the batch has %d",
        names.size(),
        kind,
        names,
        found);
    for (int i = 0; i < names.size(); i++) {
      if (!names.get(i).isEmpty()) {
        feeds.put(names.get(i), arrays[i]);
      }
    }
  }

  /** Examples in a batch: the first axis of its first array. */
  static long examples(Map<String, INDArray> feeds) {
    INDArray first = feeds.values().iterator().next();
    return first.rank() == 0 ? 1 : first.size(0);
  }
}

package io.lapidary.engine;

import io.lapidary.Check;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Supplier;

/**
 * Edits of activations by the name of the module that makes them, such as {@code
 * vision_model.encoder.layers.1} for the output of a block. They hold for the part of a graph that
 * is built under them: {@code g.with(edits, () -> clip.imageEmbeddings(g, pixels))}.
 *
 * @param byPoint edit of each module's output
 */
public record ActivationEdits(Map<String, ActivationEdit> byPoint) {
  /** No edit. */
  public static final ActivationEdits NONE = new ActivationEdits(Map.of());

  /** Copies the map. */
  public ActivationEdits {
    byPoint = Map.copyOf(Check.present("edits", byPoint));
  }

  /** One edit. */
  public static ActivationEdits of(String point, ActivationEdit edit) {
    return new ActivationEdits(Map.of(point, edit));
  }

  /** These and one more. */
  public ActivationEdits and(String point, ActivationEdit edit) {
    Check.that(!byPoint.containsKey(point), "there is an edit of %s already", point);
    Map<String, ActivationEdit> more = new LinkedHashMap<>(byPoint);
    more.put(point, edit);
    return new ActivationEdits(more);
  }

  /** These and others of other points. */
  public ActivationEdits and(ActivationEdits others) {
    ActivationEdits all = this;
    for (Map.Entry<String, ActivationEdit> other : others.byPoint.entrySet()) {
      all = all.and(other.getKey(), other.getValue());
    }
    return all;
  }

  /** Those of points whose name begins with {@code prefix}. */
  public ActivationEdits under(String prefix) {
    Map<String, ActivationEdit> some = new LinkedHashMap<>(byPoint);
    some.keySet().removeIf(point -> !point.startsWith(prefix));
    return new ActivationEdits(some);
  }

  /** Whether there is none. */
  public boolean isEmpty() {
    return byPoint.isEmpty();
  }

  /** What {@code body} builds, under these edits; where there are none, under those in force. */
  public <T> T over(Graph g, Supplier<T> body) {
    return isEmpty() ? body.get() : g.with(this, body);
  }
}

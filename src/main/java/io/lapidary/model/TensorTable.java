package io.lapidary.model;

import io.lapidary.io.CheckpointFolder;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * Names and shapes of the tensors of a checkpoint: those that the model needs, those that may be
 * there, and patterns of those that belong to other parts of a larger model and are left unread.
 */
final class TensorTable {
  private final Map<String, long[]> needed = new LinkedHashMap<>();
  private final Map<String, long[]> optional = new LinkedHashMap<>();
  private final List<Pattern> unread = new ArrayList<>();

  /** A tensor that must be there. */
  TensorTable put(String name, long... shape) {
    needed.put(name, shape);
    return this;
  }

  /** A tensor that is kept when it is there, though the model does not use it. */
  TensorTable optional(String name, long... shape) {
    optional.put(name, shape);
    return this;
  }

  /** Stored names that need not be known. */
  TensorTable unread(String pattern) {
    unread.add(Pattern.compile(pattern));
    return this;
  }

  /** An affine map: {@code name.weight} [out, in] and, with a bias, {@code name.bias} [out]. */
  TensorTable linear(String name, long in, long out, boolean bias) {
    put(name + ".weight", out, in);
    return bias ? put(name + ".bias", out) : this;
  }

  /** Gain and bias of a norm: {@code name.weight} and {@code name.bias} [width]. */
  TensorTable norm(String name, long width) {
    return put(name + ".weight", width).put(name + ".bias", width);
  }

  /** Shapes of the needed tensors by name. */
  Map<String, long[]> needed() {
    return needed;
  }

  /** Shapes of the needed tensors and of those optional ones that the folder has. */
  Map<String, long[]> in(CheckpointFolder folder) {
    Map<String, long[]> all = new LinkedHashMap<>(needed);
    optional.forEach(
        (name, shape) -> {
          if (folder.has(name)) {
            all.put(name, shape);
          }
        });
    return all;
  }

  boolean isUnread(String stored) {
    return unread.stream().anyMatch(pattern -> pattern.matcher(stored).matches());
  }
}

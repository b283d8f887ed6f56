package io.lapidary.layer;

import io.lapidary.Check;
import io.lapidary.engine.Graph;
import io.lapidary.engine.Overlay;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * LoRA adapters that a graph lays over its affine maps and convolutions: several at once, each with
 * a weight, over the same base arrays. Under {@link Graph#with} they hold for the part of the graph
 * that is built there: {@code g.with(adapters, () -> clip.imageEmbeddings(g, pixels))}. Another
 * part or another graph over the same arrays may use others or none.
 */
public final class LoraAdapters implements Overlay {
  /** No adapter. */
  public static final LoraAdapters NONE = new LoraAdapters(List.of());

  private final List<Entry> entries;

  private record Entry(String name, double weight, Function<String, Optional<Lora>> targets) {}

  private LoraAdapters(List<Entry> entries) {
    this.entries = List.copyOf(entries);
  }

  /**
   * These adapters and one more.
   *
   * @param name prefix of the adapter's parameters, see {@link #parameter}; empty for none
   * @param weight factor of its part; 1 as trained
   * @param targets the adapter of a map by its full name, such as {@code
   *     model.layers.0.self_attn.q_proj}; empty for maps it leaves alone
   */
  public LoraAdapters with(String name, double weight, Function<String, Optional<Lora>> targets) {
    Check.that(
        entries.stream().noneMatch(e -> e.name.equals(name)),
        "there is an adapter %s already",
        name);
    List<Entry> more = new ArrayList<>(entries);
    more.add(new Entry(name, weight, targets));
    return new LoraAdapters(more);
  }

  /** One adapter of weight 1 on all maps whose name the pattern matches. */
  public static LoraAdapters of(String name, Lora lora, Predicates targets) {
    return NONE.with(name, 1, map -> targets.test(map) ? Optional.of(lora) : Optional.empty());
  }

  /** Which maps an adapter changes. */
  @FunctionalInterface
  public interface Predicates {
    /** Whether the map of this full name is changed. */
    boolean test(String map);

    /** Maps whose full name is one of these or ends with a dot and one of these, as in PEFT. */
    static Predicates names(String... suffixes) {
      return map -> Arrays.stream(suffixes).anyMatch(s -> map.equals(s) || map.endsWith("." + s));
    }

    /** Maps whose full name the expression matches as a whole. */
    static Predicates regex(String expression) {
      Pattern pattern = Pattern.compile(expression);
      return map -> pattern.matcher(map).matches();
    }
  }

  /** The result of a map with the parts of all adapters that target it. */
  @Override
  public SDVariable add(Graph g, WeightedMap map, SDVariable x, SDVariable y) {
    SDVariable sum = y;
    for (Entry entry : entries) {
      Optional<Lora> lora = entry.weight == 0 ? Optional.empty() : entry.targets.apply(map.name());
      if (lora.isPresent()) {
        SDVariable part = lora.get().delta(g, prefixed(entry.name, map.name()), map, x);
        sum = g.ops().add(sum, entry.weight == 1 ? part : g.ops().mul(part, entry.weight));
      }
    }
    return sum;
  }

  /** What {@code body} builds, under these adapters; where there are none, under those in force. */
  public <T> T over(Graph g, Supplier<T> body) {
    return isEmpty() ? body.get() : g.with(this, body);
  }

  /** Whether there is none. */
  public boolean isEmpty() {
    return entries.isEmpty();
  }

  /** Name under which an adapter's parameters of a map are stored: {@code name/map}. */
  public static String prefixed(String name, String map) {
    return name.isEmpty() ? map : name + "/" + map;
  }
}

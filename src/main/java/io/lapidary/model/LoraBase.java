package io.lapidary.model;

import io.lapidary.Check;
import io.lapidary.engine.Graph;
import io.lapidary.engine.Overlay;
import io.lapidary.engine.Parameters;
import io.lapidary.layer.LoraAdapters;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;

/**
 * What LoRA adapters can be laid over: the store of a model and its affine maps and convolutions.
 * Tables of embeddings, and an output map that is tied to one, are none of them.
 */
public final class LoraBase {
  private static final String[] PREFIXES = {"", "model.", "transformer."};

  private final Parameters parameters;
  private final Spelling spelling;
  private final String task;
  private final Map<String, Overlay.WeightedMap> maps;

  private LoraBase(
      Parameters parameters,
      Spelling spelling,
      String task,
      Map<String, Overlay.WeightedMap> maps) {
    this.parameters = parameters;
    this.spelling = spelling;
    this.task = task;
    this.maps = Collections.unmodifiableMap(maps);
  }

  /**
   * How adapter files name what a store holds.
   *
   * @param module name in the file of a name in the store
   * @param own names in the store that a name in the file may stand for
   */
  private record Spelling(UnaryOperator<String> module, Function<String, Stream<String>> own) {
    /** Names in the store without the prefix of a larger model. */
    static Spelling below(String prefix) {
      return new Spelling(
          map -> map.substring(prefix.length()),
          name -> Arrays.stream(PREFIXES).map(more -> prefix + more + name));
    }
  }

  /**
   * The maps that a model uses, found by building it once.
   *
   * @param build adds the model to a graph over {@code parameters}, for inputs of any size
   */
  public static LoraBase of(Parameters parameters, Consumer<Graph> build) {
    return of(parameters, Spelling.below(""), null, build);
  }

  private static LoraBase of(
      Parameters parameters, Spelling spelling, String task, Consumer<Graph> build) {
    Map<String, Overlay.WeightedMap> maps = new LinkedHashMap<>();
    Graph g = new Graph(parameters, false);
    Overlay recorder =
        (graph, map, x, y) -> {
          maps.put(map.name(), map);
          return y;
        };
    g.with(
        recorder,
        () -> {
          build.accept(g);
          return null;
        });
    Check.that(!maps.isEmpty(), "the model has no affine maps or convolutions to adapt");
    return new LoraBase(parameters, spelling, task, maps);
  }

  /** All maps of a language model. */
  public static LoraBase of(CausalLm lm) {
    CausalLm plain = lm.with(LoraAdapters.NONE);
    return of(
        lm.parameters(),
        Spelling.below(lm.prefix()),
        "CAUSAL_LM",
        g -> plain.logits(g, plain.lastHidden(g, ids(g), null)));
  }

  /** All maps of the tower, the projector and the decoder of a vision-language model. */
  public static LoraBase of(VisionLanguageModel model) {
    VisionLanguageModel plain = model.with(LoraAdapters.NONE);
    VisionLanguageLayout layout = model.adapterLayout();
    boolean single = model.config().projectorNames().size() == 1;
    VisionConfig v = model.config().vision();
    return of(
        model.parameters(),
        new Spelling(
            map -> layout.map(map, single),
            name -> Stream.concat(Stream.of(name), VisionLanguageLayout.ownNames(name))),
        "CAUSAL_LM",
        g -> {
          int side = v.imageSize();
          plain.imageFeatures(g, g.placeholder("pixels", 1, v.channels(), side, side));
          CausalLm language = plain.language();
          language.logits(g, language.lastHidden(g, ids(g), null));
        });
  }

  /** All maps of both towers. */
  public static LoraBase of(Clip clip) {
    Clip plain = clip.with(LoraAdapters.NONE);
    VisionConfig v = clip.config().vision();
    return of(
        clip.parameters(),
        g -> {
          int side = v.imageSize();
          plain.imageEmbeddings(g, g.placeholder("pixels", 1, v.channels(), side, side));
          plain.textEmbeddings(g, ids(g));
        });
  }

  /** All maps of a vision transformer. */
  public static LoraBase of(VisionEncoder encoder) {
    VisionEncoder plain = encoder.with(LoraAdapters.NONE);
    VisionConfig v = encoder.config();
    int side = v.imageSize();
    return of(
        encoder.parameters(),
        g -> plain.build(g, g.placeholder("pixels", 1, v.channels(), side, side)));
  }

  /** All maps of a text encoder. */
  public static LoraBase of(TextEncoder encoder) {
    TextEncoder plain = encoder.with(LoraAdapters.NONE);
    return of(encoder.parameters(), g -> plain.build(g, ids(g), g.placeholder("mask", 1, 1)));
  }

  /** All convolutions of a ResNet. */
  public static LoraBase of(ResNet net) {
    ResNet plain = net.with(LoraAdapters.NONE);
    return of(
        net.parameters(),
        g -> plain.build(g, g.placeholder("pixels", 1, net.config().channels(), 32, 32)));
  }

  private static SDVariable ids(Graph g) {
    return g.placeholder("ids", DataType.INT, 1, 1);
  }

  /** The store, in which adapters keep their arrays beside those of the model. */
  public Parameters parameters() {
    return parameters;
  }

  /** Maps by their name in the store. */
  public Map<String, Overlay.WeightedMap> maps() {
    return maps;
  }

  /** The {@code task_type} that PEFT writes for such a model; null for none. */
  String task() {
    return task;
  }

  /** Name of a map in adapter files. */
  String moduleOf(String map) {
    return spelling.module.apply(map);
  }

  /** The map in the store that an adapter file calls {@code module}. */
  Optional<String> mapOf(String module) {
    return PeftFile.spellings(module).stream()
        .flatMap(spelling.own)
        .filter(maps::containsKey)
        .findFirst();
  }

  /** The array in the store that an adapter file calls {@code tensor}. */
  Optional<String> arrayOf(String tensor) {
    return spelling.own.apply(tensor).filter(parameters::contains).findFirst();
  }

  /** Whether weights of a transformer's maps are stored [in, out]. */
  boolean inputMajor() {
    return maps.values().stream().anyMatch(m -> m.layout() == Overlay.Layout.INPUT_MAJOR);
  }
}

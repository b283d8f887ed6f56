package io.lapidary.model;

import io.lapidary.InputException;
import io.lapidary.io.CheckpointFolder;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * How a folder spells the names of a vision-language model: versions of the libraries put different
 * prefixes before the same parts.
 *
 * @param body before the decoder's names, in place of {@code model.}
 * @param head before {@code lm_head}
 * @param tower before the names of the image tower; null when the folder does not hold it
 * @param projector before {@code linear_1}, or {@link #ORIGINAL}
 */
record VisionLanguageLayout(String body, String head, String tower, String projector) {
  /** Name of the projector in the layout of LLaVA's authors. */
  static final String ORIGINAL = "model.mm_projector";

  private static final List<String> BODIES =
      List.of("language_model.model.", "model.language_model.", "model.");
  private static final List<String> HEADS = List.of("language_model.", "", "model.");
  private static final List<String> TOWERS =
      List.of(
          "vision_tower.",
          "vision_tower.vision_model.",
          "model.vision_tower.",
          "model.vision_tower.vision_model.",
          "model.vision_tower.vision_tower.vision_model.",
          "model.vision_tower.vision_tower.");
  private static final List<String> PROJECTORS =
      List.of("multi_modal_projector.", "model.multi_modal_projector.");

  /** The spelling of a fresh model. */
  static final VisionLanguageLayout OWN =
      new VisionLanguageLayout(
          "language_model.model.",
          "language_model.",
          "vision_tower.vision_model.",
          "multi_modal_projector.");

  /** The spelling of the modules in the Python library, which adapters name. */
  static final VisionLanguageLayout LIVE =
      new VisionLanguageLayout(
          "model.language_model.", "", "model.vision_tower.", "model.multi_modal_projector.");

  /** The spelling of a folder. */
  static VisionLanguageLayout of(CheckpointFolder folder) {
    String projector = find(folder, PROJECTORS, "linear_1.weight", "the projector");
    String tower = find(folder, TOWERS, "embeddings.patch_embedding.weight", "the image tower");
    String body = find(folder, BODIES, "embed_tokens.weight", "the decoder");
    String head =
        HEADS.stream()
            .filter(p -> folder.names().contains(p + LmFamily.HEAD + ".weight"))
            .findFirst()
            .orElse("");
    return new VisionLanguageLayout(body, head, tower, projector);
  }

  /** The spelling of a folder in the layout of LLaVA's authors. */
  static VisionLanguageLayout original(CheckpointFolder folder) {
    String tower =
        TOWERS.stream()
            .filter(p -> folder.names().contains(p + "embeddings.patch_embedding.weight"))
            .findFirst()
            .orElse(null);
    return new VisionLanguageLayout("model.", "", tower, ORIGINAL);
  }

  private static String find(
      CheckpointFolder folder, List<String> prefixes, String name, String part) {
    return prefixes.stream()
        .filter(prefix -> folder.names().contains(prefix + name))
        .findFirst()
        .orElseThrow(
            () ->
                InputException.of(
                    "%s: the weights of %s are missing: expected a tensor named %s with one of the"
                        + " prefixes %s",
                    folder.folder(), part, name, String.join(", ", prefixes)));
  }

  /** Stored name of every tensor by the name in the model; those stored elsewhere are left out. */
  Map<String, String> storedNames(Iterable<String> names) {
    Map<String, String> stored = new LinkedHashMap<>();
    boolean single = true;
    for (String name : names) {
      single &= !name.equals(OWN.projector + "linear_2.weight");
    }
    for (String name : names) {
      String here = stored(name, single);
      if (here != null) {
        stored.put(name, here);
      }
    }
    return stored;
  }

  /**
   * Names in the model that a name in some spelling may stand for. Prefixes of one spelling begin
   * others, so not all need to exist.
   */
  static Stream<String> ownNames(String name) {
    Stream<String> parts =
        Stream.of(
                replaced(BODIES, name, OWN.body),
                replaced(HEADS, name, OWN.head),
                replaced(TOWERS, name, OWN.tower),
                replaced(PROJECTORS, name, OWN.projector))
            .flatMap(Function.identity());
    if (!name.startsWith(ORIGINAL)) {
      return parts;
    }
    String map = name.substring(ORIGINAL.length()).replaceFirst("^\\.", "");
    int number = map.matches("\\d{1,3}(\\..*)?") ? Integer.parseInt(map.split("\\.")[0]) : 0;
    return Stream.of(OWN.projector + "linear_" + (number / 2 + 1));
  }

  private static Stream<String> replaced(List<String> prefixes, String name, String own) {
    return prefixes.stream()
        .filter(name::startsWith)
        .map(prefix -> own + name.substring(prefix.length()));
  }

  /** The name of a map, without the kind of tensor, in this spelling. */
  String map(String own, boolean singleMap) {
    String weight = stored(own + ".weight", singleMap);
    return weight.substring(0, weight.length() - ".weight".length());
  }

  private String stored(String name, boolean singleMap) {
    if (name.equals(VisionLanguageModel.NEWLINE)) {
      return name;
    }
    if (name.startsWith(OWN.body)) {
      return body + name.substring(OWN.body.length());
    }
    if (name.startsWith(OWN.head)) {
      return head + name.substring(OWN.head.length());
    }
    if (name.startsWith(OWN.tower)) {
      return tower == null ? null : tower + name.substring(OWN.tower.length());
    }
    String own = name.substring(OWN.projector.length());
    if (!projector.equals(ORIGINAL)) {
      return projector + own;
    }
    String kind = own.substring(own.indexOf('.')); // activations have numbers of their own
    int map = Integer.parseInt(own.substring("linear_".length(), own.indexOf('.')));
    return singleMap ? ORIGINAL + kind : ORIGINAL + "." + 2 * (map - 1) + kind;
  }
}

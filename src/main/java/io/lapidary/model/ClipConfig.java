package io.lapidary.model;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.lapidary.Check;
import io.lapidary.InputException;
import io.lapidary.io.Jsons;

/**
 * Sizes of a {@link Clip} model, as in its {@code config.json}.
 *
 * @param projection width of the shared embedding space
 * @param initialLogitScale natural logarithm of the similarity factor of a fresh model
 * @param vision image tower
 * @param text text tower
 */
public record ClipConfig(
    int projection, double initialLogitScale, VisionConfig vision, TextConfig text) {
  private static final String DEFAULT_TYPE = "clip";

  /** Checks the fields. */
  public ClipConfig {
    Check.positive("projection_dim", projection);
    Check.that(
        Double.isFinite(initialLogitScale),
        "logit_scale_init_value must be finite, got %s",
        initialLogitScale);
    Check.present("vision_config", vision);
    Check.present("text_config", text);
  }

  /**
   * Reads a {@code config.json}. Missing keys have the defaults of the Python library; keys of no
   * use here are ignored. The tower groups {@code *_config_dict} of older files win over {@code
   * *_config}, as they do there.
   *
   * @param where the file, for messages
   * @throws InputException when the model is of another type or a value does not fit
   */
  public static ClipConfig of(ObjectNode json, String where) {
    HubConfig config = new HubConfig(json, where);
    String type = config.text("model_type", DEFAULT_TYPE);
    if (!type.equals(DEFAULT_TYPE)) {
      throw InputException.of(
          "%s: expected a CLIP model (model_type clip), found model_type %s", where, type);
    }
    VisionConfig vision = VisionConfig.of(VisionFamily.CLIP, group(config, "vision_config"));
    TextConfig text = TextConfig.of(group(config, "text_config"));
    return config.build(
        () ->
            new ClipConfig(
                config.integer("projection_dim", 512),
                config.number("logit_scale_init_value", 2.6592),
                vision,
                text));
  }

  private static HubConfig group(HubConfig config, String key) {
    return config.group(key).overriddenBy(config.group(key + "_dict"));
  }

  /** The {@code config.json} that the Python library reads. */
  public ObjectNode toJson() {
    ObjectNode json = Jsons.object();
    json.putArray("architectures").add("CLIPModel");
    json.put("model_type", DEFAULT_TYPE)
        .put("projection_dim", projection)
        .put("logit_scale_init_value", initialLogitScale);
    ObjectNode visionJson = json.putObject("vision_config");
    vision.write(visionJson);
    visionJson.put("projection_dim", projection);
    ObjectNode textJson = json.putObject("text_config");
    text.write(textJson);
    textJson.put("projection_dim", projection);
    return json;
  }
}

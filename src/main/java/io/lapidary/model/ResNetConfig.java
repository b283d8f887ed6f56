package io.lapidary.model;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.lapidary.Check;
import io.lapidary.engine.Ops;
import io.lapidary.io.Jsons;
import io.lapidary.layer.ResidualBlock;
import java.util.ArrayList;
import java.util.List;

/**
 * Sizes of a {@link ResNet}, as in its {@code config.json}.
 *
 * @param channels input channels
 * @param embeddingSize channels after the first convolution
 * @param hiddenSizes channels after each stage
 * @param depths blocks of each stage
 * @param bottleneck {@code layer_type} bottleneck; else basic
 * @param activation {@code hidden_act}
 * @param downsampleFirstStage whether the first stage halves the picture
 * @param downsampleFirst {@code downsample_in_bottleneck}: whether a bottleneck halves the picture
 *     in its first convolution
 */
public record ResNetConfig(
    int channels,
    int embeddingSize,
    List<Integer> hiddenSizes,
    List<Integer> depths,
    boolean bottleneck,
    String activation,
    boolean downsampleFirstStage,
    boolean downsampleFirst) {
  static final String MODEL_TYPE = "resnet";

  /** Checks the fields. */
  public ResNetConfig {
    Check.positive("num_channels", channels);
    Check.positive("embedding_size", embeddingSize);
    hiddenSizes = List.copyOf(hiddenSizes);
    depths = List.copyOf(depths);
    Check.that(
        !depths.isEmpty() && depths.size() == hiddenSizes.size(),
        "depths %s and hidden_sizes %s must have one number per stage",
        depths,
        hiddenSizes);
    depths.forEach(depth -> Check.positive("depths", depth));
    hiddenSizes.forEach(size -> Check.positive("hidden_sizes", size));
    Ops.checkActivation("hidden_act", activation);
  }

  /** A block and its name. */
  record Block(String name, int in, ResidualBlock shape) {}

  /** All blocks in order. */
  List<Block> blocks() {
    List<Block> blocks = new ArrayList<>();
    int in = embeddingSize;
    for (int stage = 0; stage < depths.size(); stage++) {
      int out = hiddenSizes.get(stage);
      for (int i = 0; i < depths.get(stage); i++) {
        int stride = i == 0 && (stage > 0 || downsampleFirstStage) ? 2 : 1;
        blocks.add(
            new Block(
                "encoder.stages." + stage + ".layers." + i,
                in,
                new ResidualBlock(bottleneck, out, stride, downsampleFirst, activation)));
        in = out;
      }
    }
    return blocks;
  }

  /** Missing keys have the defaults of the Python library (ResNet-50). */
  static ResNetConfig of(HubConfig json) {
    String type = json.text("model_type", "");
    if (!type.equals(MODEL_TYPE)) {
      throw json.unsupported(MODEL_TYPE, type);
    }
    String layer = json.text("layer_type", "bottleneck");
    return json.build(
        () -> {
          Check.that(
              layer.equals("bottleneck") || layer.equals("basic"),
              "layer_type must be bottleneck or basic, got %s",
              layer);
          return new ResNetConfig(
              json.integer("num_channels", 3),
              json.integer("embedding_size", 64),
              json.integers("hidden_sizes", List.of(256, 512, 1024, 2048)),
              json.integers("depths", List.of(3, 4, 6, 3)),
              layer.equals("bottleneck"),
              json.text("hidden_act", "relu"),
              json.flag("downsample_in_first_stage", false),
              json.flag("downsample_in_bottleneck", false));
        });
  }

  /** The {@code config.json} that the Python library reads. */
  ObjectNode toJson() {
    ObjectNode json = Jsons.object();
    json.putArray("architectures").add("ResNetModel");
    json.put("model_type", MODEL_TYPE)
        .put("num_channels", channels)
        .put("embedding_size", embeddingSize)
        .put("layer_type", bottleneck ? "bottleneck" : "basic")
        .put("hidden_act", activation)
        .put("downsample_in_first_stage", downsampleFirstStage)
        .put("downsample_in_bottleneck", downsampleFirst);
    hiddenSizes.forEach(json.putArray("hidden_sizes")::add);
    depths.forEach(json.putArray("depths")::add);
    return json;
  }
}

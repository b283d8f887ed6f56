package io.lapidary.app;

import io.lapidary.model.LmFamily;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import org.nd4j.linalg.api.ndarray.INDArray;

/** How the models of one family answer the inputs of a golden file. */
interface GoldenFamily {
  /** Families by the {@code model_type} of their configuration; OpenCLIP folders have none. */
  Map<String, GoldenFamily> ALL = families();

  private static Map<String, GoldenFamily> families() {
    Map<String, GoldenFamily> all = new HashMap<>();
    all.put("bert", new TextGolden());
    all.put("clip", new ClipGolden());
    all.put("clip_vision_model", new VisionGolden());
    all.put("dinov2", new VisionGolden());
    all.put("llava", new VisionLanguageGolden(null));
    all.put("mpnet", new TextGolden());
    all.put("open_clip", new ClipGolden());
    all.put("resnet", new ResNetGolden());
    all.put("siglip_vision_model", new VisionGolden());
    all.put("vit", new VisionGolden());
    for (LmFamily family : LmFamily.values()) {
      all.put(family.modelType(), new LmGolden(null));
    }
    return Map.copyOf(all);
  }

  /** Names of the tensors that are inputs. */
  Set<String> inputs();

  /**
   * What the model gives for the inputs.
   *
   * @param folder the model
   * @param golden all tensors of the golden file, inputs and expected outputs
   * @return outputs by the names of the golden file; those it cannot compute are left out
   */
  Map<String, INDArray> outputs(Path folder, Map<String, INDArray> golden);
}

package io.lapidary.app;

import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import org.nd4j.linalg.api.ndarray.INDArray;

/** How the models of one family answer the inputs of a golden file. */
interface GoldenFamily {
  /** Families by the {@code model_type} of their configuration; OpenCLIP folders have none. */
  Map<String, GoldenFamily> ALL =
      Map.ofEntries(
          Map.entry("bert", new TextGolden()),
          Map.entry("clip", new ClipGolden()),
          Map.entry("clip_vision_model", new VisionGolden()),
          Map.entry("dinov2", new VisionGolden()),
          Map.entry("mpnet", new TextGolden()),
          Map.entry("open_clip", new ClipGolden()),
          Map.entry("resnet", new ResNetGolden()),
          Map.entry("siglip_vision_model", new VisionGolden()),
          Map.entry("vit", new VisionGolden()));

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

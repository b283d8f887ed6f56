package io.lapidary.model;

import io.lapidary.Check;
import io.lapidary.engine.Graph;
import io.lapidary.engine.Init;
import io.lapidary.layer.Convolutions;
import io.lapidary.layer.Layers;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * The small ConvNet of data set distillation (Gidaris and Komodakis 2018; Zhao et al. 2021): {@code
 * depth} blocks of convolution 3x3, instance norm, ReLU and average pooling 2x2, then a linear
 * classifier. Parameters: {@code features.N.conv}, {@code features.N.norm}, {@code classifier}.
 *
 * @param depth number of blocks; the image must have at least 2^depth pixels a side
 * @param width channels of every block
 * @param classes number of classes
 */
public record ConvNet(int depth, int width, int classes) {

  /** Checks the sizes. */
  public ConvNet {
    Check.positive("depth", depth);
    Check.positive("width", width);
    Check.positive("classes", classes);
  }

  /** ConvNet-3 of width 128. */
  public static ConvNet three(int classes) {
    return new ConvNet(3, 128, classes);
  }

  /** Features before the classifier: images [B, C, H, W] give [B, width · h · w]. */
  public SDVariable features(Graph g, SDVariable images) {
    SDVariable x = images;
    for (int i = 0; i < depth; i++) {
      String name = "features." + i;
      x = Convolutions.block(g, name + ".conv", name + ".norm", x, width);
    }
    return g.ops().reshape(x, g.size(images, 0), -1);
  }

  /** Class logits of images [B, C, H, W]: [B, classes]. */
  public SDVariable logits(Graph g, SDVariable images) {
    SDVariable features = features(g, images);
    Init init = Init.fanIn(g.size(features, -1));
    return Layers.linear(g, "classifier", features, classes, true, init);
  }
}

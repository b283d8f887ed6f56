package io.lapidary.engine.stock;

import io.lapidary.engine.Init;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.TrainingConfig;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Adam;

/**
 * A small GPT with tied embedding, learned positions and no final norm. The embedding is a product
 * with one-hot rows, as the backward pass of SameDiff's gather fails.
 */
public record StockGpt(
    int vocabulary, int context, int width, int heads, int layers, int mlp, int batch)
    implements StockModel {

  @Override
  public SameDiff build(long seed) {
    Drawn drawn = new Drawn(seed);
    SameDiff sd = SameDiff.create();
    SDVariable ids = sd.placeHolder("ids", DataType.INT, batch, context);
    SDVariable next = sd.placeHolder("next", DataType.INT, (long) batch * context);
    SDVariable table = drawn.weight(sd, "e", Init.normal(0.02), vocabulary, width);
    SDVariable positions = drawn.weight(sd, "p", Init.normal(0.02), 1, context, width);
    SDVariable mask = sd.constant("mask", causal());
    SDVariable rows = sd.oneHot(ids.reshape(-1), vocabulary).mmul(table);
    SDVariable x = rows.reshape(batch, context, width).add(positions).reshape(-1, width);
    for (int i = 0; i < layers; i++) {
      x = block(sd, drawn, "b" + i, x, mask);
    }
    SDVariable logits = sd.mmul(x, table, false, true, false);
    sd.loss().sparseSoftmaxCrossEntropy("loss", logits, next);
    sd.setTrainingConfig(
        TrainingConfig.builder()
            .updater(new Adam(1e-3))
            .dataSetFeatureMapping("ids")
            .dataSetLabelMapping("next")
            .minimize("loss")
            .build());
    return sd;
  }

  /** Pre-norm block on rows x [B·T, D]. */
  private SDVariable block(SameDiff sd, Drawn drawn, String name, SDVariable x, SDVariable mask) {
    SDVariable y = norm(sd, drawn, name + "_l1", x);
    SDVariable q = split(y.mmul(square(sd, drawn, name + "_q")));
    SDVariable k = split(y.mmul(square(sd, drawn, name + "_k")));
    SDVariable v = split(y.mmul(square(sd, drawn, name + "_v")));
    double scale = 1 / Math.sqrt((double) width / heads);
    SDVariable scores = sd.mmul(q, k, false, true, false).mul(scale).add(mask);
    SDVariable mixed = sd.mmul(sd.nn().softmax(scores, 3), v);
    SDVariable merged = mixed.permute(0, 2, 1, 3).reshape(-1, width);
    SDVariable h = x.add(merged.mmul(square(sd, drawn, name + "_o")));
    SDVariable z = norm(sd, drawn, name + "_l2", h);
    SDVariable inner = sd.nn().preciseGelu(dense(sd, drawn, name + "_f1", z, width, mlp));
    return h.add(dense(sd, drawn, name + "_f2", inner, mlp, width));
  }

  private SDVariable split(SDVariable rows) {
    return rows.reshape(batch, context, heads, width / heads).permute(0, 2, 1, 3);
  }

  private SDVariable square(SameDiff sd, Drawn drawn, String name) {
    return drawn.weight(sd, name, Init.fanIn(width), width, width);
  }

  private static SDVariable dense(
      SameDiff sd, Drawn drawn, String name, SDVariable x, int in, int out) {
    return sd.nn()
        .linear(
            x,
            drawn.weight(sd, name + "_W", Init.fanIn(in), in, out),
            drawn.weight(sd, name + "_b", Init.fanIn(in), out));
  }

  private SDVariable norm(SameDiff sd, Drawn drawn, String name, SDVariable x) {
    return sd.nn()
        .layerNorm(
            x,
            drawn.weight(sd, name + "_gain", Init.ones(), width),
            drawn.weight(sd, name + "_bias", Init.zeros(), width),
            false,
            1);
  }

  /** 0 where a query may look, −10⁹ elsewhere: [1, 1, T, T]. */
  private INDArray causal() {
    float[][] mask = new float[context][context];
    for (int i = 0; i < context; i++) {
      java.util.Arrays.fill(mask[i], i + 1, context, -1e9f);
    }
    return Nd4j.createFromArray(mask).reshape(1, 1, context, context);
  }

  @Override
  public MultiDataSet batch(long seed) {
    Drawn drawn = new Drawn(seed);
    return new org.nd4j.linalg.dataset.MultiDataSet(
        drawn.ids("ids", vocabulary, batch, context),
        drawn.ids("next", vocabulary, (long) batch * context));
  }
}

package io.lapidary.engine.stock;

import io.lapidary.engine.Init;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.TrainingConfig;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.learning.config.Adam;

/** A ReLU autoencoder with an L1 penalty on its latents. */
public record StockAutoencoder(int width, int latents, int batch) implements StockModel {
  @Override
  public SameDiff build(long seed) {
    Drawn drawn = new Drawn(seed);
    SameDiff sd = SameDiff.create();
    SDVariable x = sd.placeHolder("x", DataType.FLOAT, batch, width);
    SDVariable target = sd.placeHolder("target", DataType.FLOAT, batch, width);
    SDVariable encoder = drawn.weight(sd, "W_enc", Init.normal(0.04), width, latents);
    SDVariable encoderBias = drawn.weight(sd, "b_enc", Init.zeros(), latents);
    SDVariable decoder = drawn.weight(sd, "W_dec", Init.normal(0.04), latents, width);
    SDVariable decoderBias = drawn.weight(sd, "b_dec", Init.zeros(), width);
    SDVariable z = sd.nn().relu(sd.nn().linear(x.sub(decoderBias), encoder, encoderBias), 0);
    SDVariable r = sd.nn().linear(z, decoder, decoderBias);
    SDVariable error = sd.math().square(r.sub(target)).sum(1).mean();
    error.add(sd.math().abs(z).sum(1).mean().mul(1e-3)).rename("loss");
    sd.setTrainingConfig(
        TrainingConfig.builder()
            .updater(new Adam(1e-3))
            .dataSetFeatureMapping("x")
            .dataSetLabelMapping("target")
            .minimize("loss")
            .build());
    return sd;
  }

  @Override
  public MultiDataSet batch(long seed) {
    INDArray x = new Drawn(seed).array("x", Init.normal(1), batch, width);
    return new org.nd4j.linalg.dataset.MultiDataSet(x, x);
  }
}

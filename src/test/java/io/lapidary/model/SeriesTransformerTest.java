package io.lapidary.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.lapidary.engine.Gradients;
import io.lapidary.engine.Graph;
import io.lapidary.engine.Parameters;
import io.lapidary.engine.Plan;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class SeriesTransformerTest {
  private static final SeriesTransformerConfig TINY =
      new SeriesTransformerConfig(16, 4, 6, 5, 3, 2, 2, 5, 8, 0);

  @Test
  void gradientsMatchFiniteDifferences() {
    Parameters parameters = new Parameters(DataType.DOUBLE, 3);
    SeriesTransformer model = new SeriesTransformer(TINY, parameters);
    Graph g = new Graph(parameters, true);
    SDVariable loss = model.loss(g, g.placeholder("first", 3, 16), g.placeholder("second", 3, 16));
    Nd4j.getRandom().setSeed(5);
    Map<String, INDArray> feeds =
        Map.of(
            "first",
            Nd4j.randn(DataType.DOUBLE, 3, 16),
            "second",
            Nd4j.randn(DataType.DOUBLE, 3, 16));
    List<SDVariable> weights = g.parameters();
    List<SDVariable> gradients = Gradients.of(g, loss, weights);
    List<SDVariable> outputs = new ArrayList<>(gradients);
    outputs.add(loss);
    try (Plan plan = Plan.compile(g, outputs)) {
      plan.run(feeds);
      List<INDArray> analytic = gradients.stream().map(v -> plan.output(v).dup('c')).toList();
      for (int w = 0; w < weights.size(); w++) {
        INDArray array = parameters.get(weights.get(w).name());
        for (long i = 0; i < array.length(); i += Math.max(1, array.length() / 3)) {
          double value = array.getDouble(i);
          array.putScalar(i, value + 1e-5);
          plan.run(feeds);
          final double up = plan.output(loss).getDouble(0);
          array.putScalar(i, value - 1e-5);
          plan.run(feeds);
          final double down = plan.output(loss).getDouble(0);
          array.putScalar(i, value);
          assertThat(analytic.get(w).getDouble(i))
              .as("%s[%d]", weights.get(w).name(), i)
              .isCloseTo((up - down) / 2e-5, within(1e-5));
        }
      }
    }
  }

  @Test
  void featuresAreTheClassTokenAndTheMeanOfTheOthers() {
    Parameters parameters = new Parameters(DataType.FLOAT, 3);
    SeriesTransformer model = new SeriesTransformer(TINY, parameters);
    INDArray series = Nd4j.randn(DataType.FLOAT, 70, 16);
    Graph g = new Graph(parameters, false);
    SDVariable states = model.states(g, g.constant(series)).get(1);
    INDArray features = model.features(series, 1);
    assertThat(features.shape()).containsExactly(70, 12);
    try (Plan plan = Plan.compile(g, states)) {
      plan.run(Map.of());
      INDArray x = plan.output(states);
      assertThat(features.getFloat(3, 2)).isCloseTo(x.getFloat(3, 0, 2), within(1e-5f));
      float mean = 0;
      for (int t = 1; t <= 4; t++) {
        mean += x.getFloat(3, t, 2) / 4;
      }
      assertThat(features.getFloat(3, 8)).isCloseTo(mean, within(1e-5f));
    }
    INDArray constant = model.features(Nd4j.zeros(DataType.FLOAT, 2, 16), 2);
    assertThat(constant.isNaN().any()).isFalse();
    assertThat(SeriesTransformerConfig.published().width()).isEqualTo(256);
    assertThatThrownBy(() -> new SeriesTransformerConfig(16, 5, 6, 5, 3, 2, 2, 5, 8, 0))
        .hasMessageContaining("tokens must divide");
    assertThatThrownBy(() -> model.features(Nd4j.zeros(DataType.FLOAT, 2, 15), 1))
        .hasMessageContaining("series must have 16 values, got 15");
  }

  @Test
  void thePublishedSizeBuilds() {
    Parameters parameters = new Parameters(DataType.FLOAT, 3);
    SeriesTransformer model =
        new SeriesTransformer(SeriesTransformerConfig.published(), parameters);
    INDArray features = model.features(Nd4j.randn(DataType.FLOAT, 2, 512), 6);
    assertThat(features.shape()).containsExactly(2, 512);
    assertThat(parameters.get("blocks.5.query.weight").shape()).containsExactly(1024, 256);
  }
}

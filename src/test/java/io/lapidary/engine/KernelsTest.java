package io.lapidary.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.lapidary.engine.GradientCheck.Inputs;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.BiFunction;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Fused kernels against the plain ops they stand for, over widths around the vector length. */
class KernelsTest {
  private static final int[] WIDTHS = {1, 3, 8, 15, 16, 17, 31, 64, 100, 1000};
  private static final Map<String, BiFunction<Inputs, long[], SDVariable>> CASES =
      new LinkedHashMap<>();

  static {
    CASES.put("gelu", (in, s) -> in.ops().gelu(in.between(-6, 6, s)));
    CASES.put("geluTanh", (in, s) -> in.ops().geluTanh(in.between(-6, 6, s)));
    CASES.put("silu", (in, s) -> in.ops().silu(in.between(-20, 20, s)));
    CASES.put("quickGelu", (in, s) -> in.ops().quickGelu(in.between(-20, 20, s)));
    CASES.put("softmax", (in, s) -> in.ops().softmax(in.between(-30, 30, s), -1));
    CASES.put(
        "layerNorm",
        (in, s) -> {
          long n = s[s.length - 1];
          return in.ops().layerNorm(in.between(-3, 5, s), in.any(n), in.any(n), 1e-5);
        });
    CASES.put("layerNorm without gain", (in, s) -> in.ops().layerNorm(in.any(s), null, null, 1e-5));
    CASES.put("rmsNorm", (in, s) -> in.ops().rmsNorm(in.any(s), in.any(s[s.length - 1]), 1e-6));
    CASES.put(
        "crossEntropy",
        (in, s) -> {
          int n = (int) s[s.length - 1];
          long rows = Shapes.length(s) / n;
          return in.ops()
              .crossEntropy(
                  in.between(-10, 10, rows, n), in.ids(n, rows), 0.1, -100, Ops.Reduction.NONE);
        });
    CASES.put("sum of leading axes", (in, s) -> in.ops().sum(in.any(s), false, 0));
    CASES.put("sum of trailing axes", (in, s) -> in.ops().sum(in.any(s), true, -1));
    CASES.put("relu", (in, s) -> in.ops().square(in.ops().relu(in.distinct(s))));
    CASES.put(
        "rotary",
        (in, s) -> {
          long d = 2 * s[1];
          SDVariable x = in.any(2, 3, s[0], d + 1);
          return in.ops().rotary(x, in.any(s[0], d), in.any(s[0], d));
        });
    CASES.put(
        "rotary, a table per text",
        (in, s) -> {
          long d = 2 * Math.min(s[1], 40);
          SDVariable x = in.any(3, 2, s[0] % 7, d + 3);
          return in.ops().rotary(x, in.any(3, 1, s[0] % 7, d), in.any(3, 1, s[0] % 7, d));
        });
    CASES.put(
        "rotary of split heads, merged again",
        (in, s) -> {
          Ops o = in.ops();
          long d = 2 * Math.min(s[1], 40);
          long t = s[0] % 7;
          SDVariable x = o.permute(o.reshape(in.any(2, t, 3 * d), 2, t, 3, d), 0, 2, 1, 3);
          SDVariable y = o.rotary(x, in.any(t, d), in.any(t, d));
          return o.square(o.reshape(o.permute(y, 0, 2, 1, 3), 2, t, 3 * d));
        });
    CASES.put(
        "rotary without heads",
        (in, s) -> {
          long d = 2 * Math.min(s[1], 40);
          return in.ops().rotary(in.any(s[0], d), in.any(s[0], d), in.any(s[0], d));
        });
    CASES.put(
        "attention by split heads",
        (in, s) -> {
          Ops o = in.ops();
          long t = Math.min(s[1], 40);
          SDVariable[] heads = new SDVariable[3];
          for (int i = 0; i < 3; i++) {
            heads[i] = o.permute(o.reshape(in.any(2, t, 12), 2, t, 3, 4), 0, 2, 1, 3);
          }
          NeuralOps.AttentionMask mask =
              s[0] == 1
                  ? NeuralOps.AttentionMask.FULL
                  : new NeuralOps.AttentionMask(true, s[0] == 5 ? 0 : 7);
          SDVariable y = o.attention(heads[0], heads[1], heads[2], 0.5, mask, null);
          return o.square(o.reshape(o.permute(y, 0, 2, 1, 3), 2, t, 12));
        });
    CASES.put(
        "instanceNorm",
        (in, s) -> {
          SDVariable x = in.between(-3, 5, 3, 4, Math.min(s[0], 5), s[1] + 1);
          return in.ops().instanceNorm(x, in.any(4), in.any(4), 1e-3);
        });
    CASES.put(
        "channel sums",
        (in, s) -> in.ops().sum(in.any(2, 3, Math.min(s[0], 5), s[1]), false, 0, 2, 3));
    CASES.put(
        "convolution of fixed images",
        (in, s) -> {
          int kernel = s[0] == 5 ? 3 : 1;
          SDVariable x =
              in.graph.constant(
                  org.nd4j.linalg.factory.Nd4j.linspace(DataType.FLOAT, -1, 0.01, 3 * 2 * 81)
                      .reshape(3, 2, 9, 9));
          int stride = 1 + (int) (s[1] % 2);
          ConvOps.Window window = ConvOps.Window.of(stride, (int) (s[1] % 3) * (kernel / 2));
          return in.ops().conv2d(x, in.any(4, 2, kernel, kernel), in.any(4), window);
        });
    CASES.put(
        "embedding", (in, s) -> in.ops().embedding(in.any(7, s[s.length - 1]), in.ids(7, s[0])));
  }

  static Stream<Arguments> cases() {
    return CASES.entrySet().stream().map(e -> Arguments.of(e.getKey(), e.getValue()));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("cases")
  void kernelEqualsPlainOps(String name, BiFunction<Inputs, long[], SDVariable> function) {
    for (int width : WIDTHS) {
      for (int rows : new int[] {1, 5, 200}) {
        Graph graph = new Graph(new Parameters(DataType.FLOAT, 5), true);
        Inputs inputs = new Inputs(graph, new SplittableRandom(width));
        SDVariable y = function.apply(inputs, new long[] {rows, width});
        SDVariable target = graph.parameter("target", Init.normal(1), graph.shape(y));
        SDVariable loss = graph.ops().sum(graph.ops().mul(y, target), false);
        List<SDVariable> outputs = new ArrayList<>(Gradients.of(graph, loss, graph.parameters()));
        outputs.add(y);
        try (Plan fused = Plan.compile(graph, outputs, true);
            Plan plain = Plan.compile(graph, outputs, false)) {
          Map<String, INDArray> actual = fused.run();
          Map<String, INDArray> expected = plain.run();
          for (SDVariable v : outputs) {
            INDArray e = expected.get(v.name());
            double size = Math.max(1, e.amaxNumber().doubleValue());
            assertThat(actual.get(v.name()).sub(e).amaxNumber().doubleValue() / size)
                .as("%s, %d x %d, %s", name, rows, width, v.name())
                .isLessThan(2e-5);
          }
        }
      }
    }
  }

  @Test
  void kernelsAreOnInTests() {
    assertThat(Kernels.enabled()).isTrue();
  }
}

package io.lapidary.model.sae;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.lapidary.InputException;
import io.lapidary.Seeds;
import io.lapidary.engine.Gradients;
import io.lapidary.engine.Graph;
import io.lapidary.engine.Parameters;
import io.lapidary.engine.Plan;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** Worked numbers, laws and gradients of every variant. */
class SparseAutoencoderTest {
  private static final DeadLatents NO_AUXILIARY = new DeadLatents(0, 1000);
  private static final ThresholdTracking AT_ONCE = new ThresholdTracking(0.9, 0);

  /** Values of one training run of a graph, updates applied. */
  private static Map<String, INDArray> train(SparseAutoencoder sae, INDArray x) {
    Graph g = new Graph(sae.parameters(), true);
    SDVariable input = g.placeholder("x", x.shape());
    SaeForward forward = sae.train(g, input, true);
    Map<String, SDVariable> wanted = new LinkedHashMap<>(forward.losses());
    wanted.put("codes", forward.codes());
    wanted.put("output", forward.reconstruction());
    List<SDVariable> all = new ArrayList<>(wanted.values());
    all.addAll(g.updates().values());
    Map<String, INDArray> values = new LinkedHashMap<>();
    try (Plan plan = Plan.compile(g, all)) {
      plan.run(Map.of("x", x));
      wanted.forEach((name, v) -> values.put(name, plan.output(v).dup()));
      g.updates().forEach((name, v) -> g.store().get(name).assign(plan.output(v)));
    }
    return values;
  }

  /** The worked example: d = 2, F = 4. */
  private static SparseAutoencoder worked(SaeVariant variant) {
    Parameters p = new Parameters(DataType.DOUBLE, 1);
    p.put("W_enc", Nd4j.createFromArray(new double[][] {{1, 0, 1, -1}, {0, 1, 1, 0}}));
    p.put("b_enc", Nd4j.createFromArray(0, 0, -0.4, 0));
    p.put("W_dec", Nd4j.createFromArray(new double[][] {{1, 0}, {0, 1}, {0.6, 0.8}, {-1, 0}}));
    p.put("b_dec", Nd4j.createFromArray(1.0, 0.0));
    return new SparseAutoencoder(new SparseAutoencoderConfig(2, 4, variant), p);
  }

  private static INDArray samples() {
    return Nd4j.createFromArray(new double[][] {{3, 1}, {1.5, 0.2}});
  }

  private static double[] flat(INDArray array) {
    return array.dup('c').data().asDouble();
  }

  @Test
  void topKSelectsInEachRow() {
    Map<String, INDArray> got = train(worked(new TopKSae(2, NO_AUXILIARY, AT_ONCE)), samples());
    assertThat(flat(got.get("codes")))
        .containsExactly(new double[] {2, 0, 2.6, 0, 0.5, 0, 0.3, 0}, within(1e-9));
    assertThat(flat(got.get("output")))
        .containsExactly(new double[] {4.56, 2.08, 1.68, 0.24}, within(1e-9));
    assertThat(got.get("reconstruction").getDouble(0)).isEqualTo(1.817, within(1e-9));
  }

  @Test
  void batchTopKSelectsOverTheBatch() {
    SparseAutoencoder one = worked(new BatchTopKSae(1, NO_AUXILIARY, AT_ONCE));
    // the threshold is followed from the step after the start
    train(one, samples());
    assertThat(one.parameters().get("threshold").getDouble(0)).isEqualTo(-1);
    Map<String, INDArray> got = train(one, samples());
    assertThat(flat(got.get("codes")))
        .containsExactly(new double[] {2, 0, 2.6, 0, 0, 0, 0, 0}, within(1e-9));
    assertThat(got.get("reconstruction").getDouble(0)).isEqualTo(1.945, within(1e-9));
    assertThat(one.parameters().get("threshold").getDouble(0)).isEqualTo(2, within(1e-12));
    SparseAutoencoder two = worked(new BatchTopKSae(2, NO_AUXILIARY, AT_ONCE));
    train(two, samples());
    Map<String, INDArray> more = train(two, samples());
    assertThat(flat(more.get("output")))
        .containsExactly(new double[] {4.56, 3.08, 1.5, 0}, within(1e-9));
    assertThat(more.get("reconstruction").getDouble(0)).isEqualTo(3.4, within(1e-9));
    assertThat(two.parameters().get("threshold").getDouble(0)).isEqualTo(0.5, within(1e-12));
    assertThat(flat(two.parameters().get("num_samples_since_fired"))).containsExactly(0, 0, 0, 4);
  }

  @Test
  void prefixesReconstructToo() {
    for (boolean legacy : new boolean[] {false, true}) {
      MatryoshkaSae variant = new MatryoshkaSae(2, List.of(1, 3), NO_AUXILIARY, AT_ONCE, legacy);
      Map<String, INDArray> got = train(worked(variant), samples());
      double expected = legacy ? 0.98 : 1.96;
      assertThat(got.get("reconstruction").getDouble(0)).isEqualTo(expected, within(1e-9));
      assertThat(flat(got.get("output")))
          .containsExactly(new double[] {4.56, 3.08, 1.5, 0}, within(1e-9));
    }
  }

  @Test
  void deadLatentsReconstructTheError() {
    SaeVariant variant = new TopKSae(1, new DeadLatents(0.5, 3), AT_ONCE);
    SparseAutoencoder sae = worked(variant);
    assertThat(train(sae, samples()).get("auxk").getDouble(0)).isZero(); // 2 samples: none dead
    Map<String, INDArray> got = train(sae, samples());
    // the largest of each row: 2.6 at latent 2, 0.5 at latent 0; dead: latents 1 and 3, whose
    // activations are (1, 0) and (0.2, 0), of which d/2 = 1 a row may answer with row (0, 1)
    INDArray e = samples().sub(got.get("output"));
    double[] v = flat(e);
    double left = (sq(v[0]) + sq(v[1] - 1) + sq(v[2]) + sq(v[3] - 0.2)) / 2;
    double m0 = (v[0] + v[2]) / 2;
    double m1 = (v[1] + v[3]) / 2;
    double spread = (sq(v[0] - m0) + sq(v[2] - m0) + sq(v[1] - m1) + sq(v[3] - m1)) / 2;
    assertThat(got.get("auxk").getDouble(0)).isEqualTo(0.5 * left / spread, within(1e-9));
  }

  private static double sq(double v) {
    return v * v;
  }

  @Test
  void withoutAPositiveEntryNothingIsInfinite() {
    for (SaeVariant variant :
        List.of(
            new TopKSae(2, new DeadLatents(1, 1), AT_ONCE),
            new BatchTopKSae(2, new DeadLatents(1, 1), AT_ONCE))) {
      SparseAutoencoder sae = worked(variant);
      sae.parameters().get("b_enc").assign(-100);
      INDArray same = Nd4j.createFromArray(new double[][] {{1, 1}, {1, 1}});
      train(sae, same);
      Map<String, INDArray> got = train(sae, same);
      got.forEach((name, value) -> assertThat(flat(value)).doesNotContain(Double.NaN));
      assertThat(sae.parameters().get("threshold").getDouble(0)).isZero();
    }
  }

  static Stream<SaeVariant> variants() {
    DeadLatents dead = new DeadLatents(0.3, 1);
    return Stream.of(
        new StandardSae(0.2, 4),
        new GatedSae(0.2, 4),
        new JumpReluSae(0.3, 2, 0.01, 0),
        new TopKSae(3, dead, AT_ONCE),
        new BatchTopKSae(3, dead, AT_ONCE),
        new MatryoshkaSae(3, List.of(2, 3, 4), dead, AT_ONCE, false));
  }

  private static SparseAutoencoder drawn(SaeVariant variant, long seed) {
    SparseAutoencoder sae =
        SparseAutoencoder.fresh(new SparseAutoencoderConfig(5, 9, variant), DataType.DOUBLE, seed);
    train(sae, batch(4, seed)); // makes all parameters
    SplittableRandom random = new Seeds(seed).stream("shift").random();
    sae.parameters()
        .all()
        .forEach(
            (name, array) -> {
              if (!List.of("threshold", "num_samples_since_fired", "step").contains(name)) {
                for (long i = 0; i < array.length(); i++) {
                  array.putScalar(i, array.getDouble(i) + 0.2 * random.nextDouble() - 0.1);
                }
              }
            });
    if (sae.parameters().contains("step")) {
      sae.parameters().get("step").assign(3);
    }
    return sae;
  }

  private static INDArray batch(int rows, long seed) {
    SplittableRandom random = new Seeds(seed).stream("batch").random();
    double[] values = new double[rows * 5];
    java.util.Arrays.setAll(values, i -> 2 * random.nextDouble() - 1);
    return Nd4j.createFromArray(values).reshape('c', rows, 5);
  }

  @ParameterizedTest
  @MethodSource("variants")
  void gradientsMatchFiniteDifferences(SaeVariant variant) {
    for (long seed = 1; seed <= 3; seed++) {
      SparseAutoencoder sae = drawn(variant, seed);
      Graph g = new Graph(sae.parameters(), true);
      SDVariable x = g.placeholder("x", 4, 5);
      SaeForward forward = sae.train(g, x, false);
      SDVariable total = null;
      for (Map.Entry<String, SDVariable> loss : forward.losses().entrySet()) {
        // the error that the auxiliary loss explains, and the frozen decoder of the gate, count as
        // constants; differences would move them
        if (!loss.getKey().equals("auxk") && !loss.getKey().equals("gate")) {
          total = total == null ? loss.getValue() : g.ops().add(total, loss.getValue());
        }
      }
      check(sae, g, total, Map.of("x", batch(4, seed)), variant + " seed " + seed);
    }
  }

  @Test
  void theGateLossMovesTheGateAndNotTheDictionary() {
    for (long seed = 1; seed <= 3; seed++) {
      SparseAutoencoder sae = drawn(new GatedSae(0.2, 4), seed);
      Graph g = new Graph(sae.parameters(), true);
      SaeForward forward = sae.train(g, g.placeholder("x", 4, 5), false);
      Map<String, INDArray> feeds = Map.of("x", batch(4, seed));
      SDVariable gate = forward.losses().get("gate");
      List<SDVariable> gates =
          g.parameters().stream()
              .filter(v -> List.of("W_enc", "b_gate").contains(v.name()))
              .toList();
      assertThat(gates).hasSize(2);
      check(sae, g, gate, gates, feeds, "gate, seed " + seed);
      SDVariable decoder =
          g.parameters().stream().filter(v -> v.name().equals("W_dec")).findAny().get();
      SDVariable gradient = Gradients.of(g, gate, List.of(decoder)).get(0);
      try (Plan plan = Plan.compile(g, gradient)) {
        plan.run(feeds);
        assertThat(plan.output(gradient).amaxNumber().doubleValue()).isZero();
      }
    }
  }

  @Test
  void theAuxiliaryLossMovesDeadLatentsTowardsTheFixedError() {
    double alpha = 0.3;
    for (long seed = 1; seed <= 3; seed++) {
      SparseAutoencoder sae = drawn(new TopKSae(3, new DeadLatents(alpha, 10), AT_ONCE), seed);
      INDArray silent = sae.parameters().get("num_samples_since_fired");
      silent.assign(0);
      for (int j = 0; j < 9; j += 2) {
        silent.putScalar(j, 1000); // may fire in this batch: then not dead
      }
      INDArray x = batch(4, seed);
      Graph g = new Graph(sae.parameters(), true);
      SaeForward forward = sae.train(g, g.placeholder("x", 4, 5), false);
      SDVariable auxiliary = forward.losses().get("auxk");
      List<SDVariable> weights = g.parameters();
      List<SDVariable> gradients = Gradients.of(g, auxiliary, weights);
      List<SDVariable> outputs = new ArrayList<>(gradients);
      outputs.addAll(List.of(auxiliary, forward.codes(), forward.reconstruction()));
      Map<String, INDArray> analytic = new LinkedHashMap<>();
      double value;
      INDArray codes;
      INDArray error;
      try (Plan plan = Plan.compile(g, outputs)) {
        plan.run(Map.of("x", x));
        for (int w = 0; w < weights.size(); w++) {
          analytic.put(weights.get(w).name(), plan.output(gradients.get(w)).dup('c'));
        }
        value = plan.output(auxiliary).getDouble(0);
        codes = plan.output(forward.codes()).dup('c');
        error = x.sub(plan.output(forward.reconstruction()));
      }
      boolean[] dead = new boolean[9];
      for (int j = 0; j < 9; j++) {
        dead[j] = j % 2 == 0 && codes.getColumn(j).amaxNumber().doubleValue() == 0;
      }
      assertThat(value)
          .isPositive()
          .isEqualTo(alpha * explained(sae, x, error, dead), within(1e-9));
      for (String name : List.of("W_enc", "b_enc", "W_dec", "b_dec")) {
        INDArray array = sae.parameters().get(name);
        for (long i = 0; i < array.length(); i++) {
          double before = array.getDouble(i);
          array.putScalar(i, before + 1e-6);
          final double up = explained(sae, x, error, dead);
          array.putScalar(i, before - 1e-6);
          final double down = explained(sae, x, error, dead);
          array.putScalar(i, before);
          assertThat(analytic.get(name).getDouble(i))
              .as("seed %d: %s[%d]", seed, name, i)
              .isEqualTo(alpha * (up - down) / 2e-6, within(1e-5));
        }
      }
    }
  }

  /** The share of a fixed error that the two largest dead latents of a row leave, in plain Java. */
  private static double explained(
      SparseAutoencoder sae, INDArray x, INDArray error, boolean[] dead) {
    INDArray encoder = sae.parameters().get("W_enc");
    INDArray decoder = sae.parameters().get("W_dec");
    INDArray mean = error.mean(0);
    double left = 0;
    double spread = 0;
    for (int b = 0; b < 4; b++) {
      double[] active = new double[9];
      for (int j = 0; j < 9; j++) {
        double z = sae.parameters().get("b_enc").getDouble(j);
        for (int i = 0; i < 5; i++) {
          double centred = x.getDouble(b, i) - sae.parameters().get("b_dec").getDouble(i);
          z += centred * encoder.getDouble(i, j);
        }
        active[j] = dead[j] ? Math.max(0, z) : 0;
      }
      double second = java.util.Arrays.stream(active).sorted().toArray()[7];
      for (int i = 0; i < 5; i++) {
        double guess = 0;
        for (int j = 0; j < 9; j++) {
          guess += active[j] >= second ? active[j] * decoder.getDouble(j, i) : 0;
        }
        left += sq(error.getDouble(b, i) - guess);
        spread += sq(error.getDouble(b, i) - mean.getDouble(i));
      }
    }
    return left / spread;
  }

  private static void check(
      SparseAutoencoder sae, Graph g, SDVariable loss, Map<String, INDArray> feeds, String what) {
    check(sae, g, loss, g.parameters(), feeds, what);
  }

  private static void check(
      SparseAutoencoder sae,
      Graph g,
      SDVariable loss,
      List<SDVariable> weights,
      Map<String, INDArray> feeds,
      String what) {
    List<SDVariable> gradients = Gradients.of(g, loss, weights);
    List<SDVariable> outputs = new ArrayList<>(gradients);
    outputs.add(loss);
    try (Plan plan = Plan.compile(g, outputs)) {
      plan.run(feeds);
      List<INDArray> analytic = gradients.stream().map(v -> plan.output(v).dup()).toList();
      for (int w = 0; w < weights.size(); w++) {
        String name = weights.get(w).name();
        if (name.equals("threshold")) {
          continue; // pseudo-derivatives, which no difference shows
        }
        INDArray array = sae.parameters().get(name);
        for (long i = 0; i < array.length(); i++) {
          double value = array.getDouble(i);
          array.putScalar(i, value + 1e-6);
          plan.run(feeds);
          final double up = plan.output(loss).getDouble(0);
          array.putScalar(i, value - 1e-6);
          plan.run(feeds);
          final double down = plan.output(loss).getDouble(0);
          array.putScalar(i, value);
          assertThat(analytic.get(w).getDouble(i))
              .as("%s: %s[%d]", what, name, i)
              .isEqualTo((up - down) / 2e-6, within(1e-5));
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("variants")
  void codesOfARowDoNotDependOnTheOthers(SaeVariant variant) {
    SparseAutoencoder sae = drawn(variant, 4);
    train(sae, batch(4, 4));
    INDArray x = batch(7, 5);
    INDArray all = sae.encode(x);
    for (int row = 0; row < 7; row++) {
      INDArray alone =
          sae.encode(x.get(NDArrayIndex.interval(row, row + 1), NDArrayIndex.all()).dup());
      assertThat(flat(alone)).containsExactly(flat(all.getRow(row)), within(1e-12));
    }
  }

  @ParameterizedTest
  @MethodSource("variants")
  void unscaledItDoesToXWhatItDidToXOverS(SaeVariant variant) {
    SparseAutoencoder sae = drawn(variant, 6);
    train(sae, batch(4, 6));
    INDArray x = batch(5, 7);
    INDArray codes = sae.encode(x);
    INDArray output = sae.decode(codes);
    sae.unscale(3.5);
    INDArray scaled = sae.encode(x.mul(3.5));
    assertThat(flat(scaled)).containsExactly(flat(codes.mul(3.5)), within(1e-9));
    assertThat(flat(sae.decode(scaled))).containsExactly(flat(output.mul(3.5)), within(1e-9));
  }

  @ParameterizedTest
  @MethodSource("variants")
  void freshRowsHaveTheirNormAndTheEncoderIsTheirTranspose(SaeVariant variant) {
    SparseAutoencoderConfig config = new SparseAutoencoderConfig(5, 9, variant);
    SparseAutoencoder sae = SparseAutoencoder.fresh(config, DataType.FLOAT, 3);
    INDArray rows = sae.parameters().get("W_dec");
    double[] norms = new double[9];
    java.util.Arrays.fill(norms, variant.initialNorm());
    assertThat(flat(rows.norm2(1))).containsExactly(norms, within(1e-6));
    assertThat(flat(sae.parameters().get("W_enc"))).isEqualTo(flat(rows.transpose()));
    assertThat(flat(SparseAutoencoder.fresh(config, DataType.FLOAT, 3).parameters().get("W_dec")))
        .isEqualTo(flat(rows));
    assertThat(flat(SparseAutoencoder.fresh(config, DataType.FLOAT, 4).parameters().get("W_dec")))
        .isNotEqualTo(flat(rows));
  }

  @Test
  void wrongUseIsRefused() {
    SparseAutoencoder sae = worked(new BatchTopKSae(1, NO_AUXILIARY, AT_ONCE));
    assertThatThrownBy(() -> sae.encode(samples()))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("has no threshold");
    assertThatThrownBy(() -> sae.encode(Nd4j.zeros(DataType.DOUBLE, 2, 3)))
        .isInstanceOf(InputException.class)
        .hasMessage("activations must have shape [rows, 2], got [2, 3]");
    assertThatThrownBy(
            () -> new SparseAutoencoderConfig(2, 4, new TopKSae(5, NO_AUXILIARY, AT_ONCE)))
        .hasMessage("k must be at most the 4 latents, got 5");
    assertThatThrownBy(() -> MatryoshkaSae.sizes(List.of(0.002, 0.998), 100))
        .hasMessageContaining("group 0 of fraction 0.002 has no latent of 100");
    assertThat(MatryoshkaSae.sizes(List.of(0.002, 0.009, 0.035, 0.189, 0.765), 1536))
        .containsExactly(3, 13, 53, 290, 1177);
  }

  @ParameterizedTest
  @MethodSource("withAuxiliaryLoss")
  void withoutDeadLatentsTheirLossCanBeLeftOut(SaeVariant variant) {
    SparseAutoencoderConfig config = new SparseAutoencoderConfig(6, 12, variant);
    SparseAutoencoder sae = SparseAutoencoder.fresh(config, DataType.FLOAT, 5);
    INDArray x = Nd4j.randn(DataType.FLOAT, 8, 6);
    assertThat(sae.mayHaveDeadLatents(99)).isFalse();
    assertThat(sae.mayHaveDeadLatents(100)).isTrue();
    for (int step = 0; step < 3; step++) {
      List<INDArray> all = gradients(sae, x, true);
      List<INDArray> plain = gradients(sae, x, false);
      assertThat(plain).isEqualTo(all);
      train(sae, x); // moves the counters
    }
    INDArray silent = sae.parameters().get("num_samples_since_fired");
    silent.assign(0).putScalar(3, 92);
    assertThat(sae.mayHaveDeadLatents(8)).isTrue();
    silent.putScalar(3, 91);
    assertThat(sae.mayHaveDeadLatents(8)).isFalse();
    assertThat(gradients(sae, x, false)).isEqualTo(gradients(sae, x, true));
  }

  static Stream<SaeVariant> withAuxiliaryLoss() {
    DeadLatents dead = new DeadLatents(0.3, 100);
    return Stream.of(
        new TopKSae(3, dead, AT_ONCE),
        new BatchTopKSae(3, dead, AT_ONCE),
        new MatryoshkaSae(3, List.of(2, 4, 6), dead, AT_ONCE, false));
  }

  /** Losses, gradients and updated counters. */
  private static List<INDArray> gradients(SparseAutoencoder sae, INDArray x, boolean auxiliary) {
    Graph g = new Graph(sae.parameters(), true);
    SDVariable input = g.placeholder("x", x.shape());
    Map<String, SDVariable> losses = sae.train(g, input, true, auxiliary).losses();
    SDVariable total = null;
    for (SDVariable loss : losses.values()) {
      total = total == null ? loss : g.ops().add(total, loss);
    }
    List<SDVariable> wanted = new ArrayList<>(losses.values());
    wanted.addAll(Gradients.of(g, total, g.parameters()));
    wanted.addAll(g.updates().values());
    try (Plan plan = Plan.compile(g, wanted)) {
      plan.run(Map.of("x", x));
      return wanted.stream().map(v -> plan.output(v).dup()).toList();
    }
  }
}

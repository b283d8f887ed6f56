package io.lapidary.method.sae;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.lapidary.InputException;
import io.lapidary.Seeds;
import io.lapidary.io.Safetensors;
import io.lapidary.io.SafetensorsFile;
import io.lapidary.model.sae.BatchTopKSae;
import io.lapidary.model.sae.DeadLatents;
import io.lapidary.model.sae.GatedSae;
import io.lapidary.model.sae.JumpReluSae;
import io.lapidary.model.sae.MatryoshkaSae;
import io.lapidary.model.sae.SaeFolder;
import io.lapidary.model.sae.SaeVariant;
import io.lapidary.model.sae.SparseAutoencoder;
import io.lapidary.model.sae.SparseAutoencoderConfig;
import io.lapidary.model.sae.StandardSae;
import io.lapidary.model.sae.ThresholdTracking;
import io.lapidary.model.sae.TopKSae;
import io.lapidary.train.TrainListener;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Training: what it finds, what it keeps, what it refuses. */
class SaeTrainingTest {
  @TempDir Path folder;

  static Stream<SaeVariant> variants() {
    DeadLatents dead = new DeadLatents(1.0 / 32, 40);
    ThresholdTracking early = new ThresholdTracking(0.9, 2);
    return Stream.of(
        new StandardSae(0.05, 10),
        new GatedSae(0.05, 10),
        new JumpReluSae(0.1, 2, 0.01, 10),
        new TopKSae(2, dead, early),
        new BatchTopKSae(2, dead, early),
        new MatryoshkaSae(2, List.of(4, 8), dead, early, false));
  }

  private static SaeTrainConfig config(long steps, int batch, int checkpointEvery) {
    return new SaeTrainConfig(steps, batch, 1e-3, 5L, null, null, checkpointEvery, null, 3, null);
  }

  private static float[][] gaussian(int rows, int width, long seed) {
    Random random = new Random(new Seeds(seed).seed());
    float[][] x = new float[rows][width];
    for (float[] row : x) {
      for (int j = 0; j < width; j++) {
        row[j] = (float) (3 * random.nextGaussian() + j);
      }
    }
    return x;
  }

  private static Map<String, double[]> values(SparseAutoencoder sae) {
    Map<String, double[]> values = new LinkedHashMap<>();
    sae.parameters().all().forEach((name, a) -> values.put(name, a.dup('c').data().asDouble()));
    return values;
  }

  @ParameterizedTest
  @MethodSource("variants")
  void aResumedRunGivesTheNumbersOfAnUninterruptedOne(SaeVariant variant) {
    SparseAutoencoderConfig model = new SparseAutoencoderConfig(6, 12, variant);
    float[][] rows = gaussian(50, 6, 1);
    SparseAutoencoder whole = new SaeTraining(model, config(23, 8, 0)).run(rows).autoencoder();
    TrainListener crash =
        new TrainListener() {
          @Override
          public void stepped(Step step) {
            if (step.step() == 14) {
              throw new IllegalStateException("power cut");
            }
          }
        };
    assertThatThrownBy(
            () ->
                new SaeTraining(model, config(23, 8, 5))
                    .in(folder, false)
                    .listener(crash)
                    .run(rows))
        .hasMessage("power cut");
    SparseAutoencoder resumed =
        new SaeTraining(model, config(23, 8, 5)).in(folder, true).run(rows).autoencoder();
    Map<String, double[]> expected = values(whole);
    Map<String, double[]> got = values(resumed);
    assertThat(got.keySet()).isEqualTo(expected.keySet());
    expected.forEach((name, v) -> assertThat(got.get(name)).as(name).isEqualTo(v));
  }

  private static SaeTrainConfig resampled(long steps, int checkpointEvery) {
    return new SaeTrainConfig(steps, 8, 1e-3, 5L, null, null, checkpointEvery, 6, 3, null);
  }

  @Test
  void silentLatentsGetTheDirectionsOfInputs() {
    // a penalty that silences everything, so that each resampling finds silent latents
    SparseAutoencoderConfig model = new SparseAutoencoderConfig(6, 12, new StandardSae(1e3, 0));
    float[][] rows = gaussian(50, 6, 1);
    SparseAutoencoder without = new SaeTraining(model, config(7, 8, 0)).run(rows).autoencoder();
    SparseAutoencoder sae = new SaeTraining(model, resampled(7, 0)).run(rows).autoencoder();
    INDArray x = Nd4j.createFromArray(rows);
    x.diviColumnVector(x.norm2(1));
    INDArray near = sae.parameters().get("W_dec").mmul(x.transpose()).max(1);
    INDArray far = without.parameters().get("W_dec").mmul(x.transpose()).max(1);
    // one step after the sixth has moved them a little
    long inputs = Arrays.stream(near.toDoubleVector()).filter(c -> c > 0.9999).count();
    long before = Arrays.stream(far.toDoubleVector()).filter(c -> c > 0.9999).count();
    assertThat(inputs).isGreaterThan(before + 3);
  }

  @Test
  void aResumedRunResamplesAlike() {
    SparseAutoencoderConfig model = new SparseAutoencoderConfig(6, 12, new StandardSae(10, 0));
    float[][] rows = gaussian(50, 6, 1);
    SparseAutoencoder whole = new SaeTraining(model, resampled(23, 0)).run(rows).autoencoder();
    TrainListener crash =
        new TrainListener() {
          @Override
          public void stepped(Step step) {
            if (step.step() == 14) {
              throw new IllegalStateException("power cut");
            }
          }
        };
    SaeTraining first = new SaeTraining(model, resampled(23, 12)).in(folder, false).listener(crash);
    assertThatThrownBy(() -> first.run(rows)).hasMessage("power cut");
    SparseAutoencoder resumed =
        new SaeTraining(model, resampled(23, 12)).in(folder, true).run(rows).autoencoder();
    Map<String, double[]> got = values(resumed);
    values(whole).forEach((name, v) -> assertThat(got.get(name)).as(name).isEqualTo(v));
  }

  @Test
  void rowsAreDrawnOnceAndByTheirError() {
    double[] weights = {1, 0, 3};
    int[] times = new int[3];
    SplittableRandom random = new SplittableRandom(4);
    for (int i = 0; i < 4000; i++) {
      times[Resampling.draw(weights, 1, random)[0]]++;
    }
    assertThat(times[1]).isZero();
    assertThat(times[2] / 4000.0).isEqualTo(0.75, within(0.03));
    assertThat(Resampling.draw(weights, 3, random)).containsExactlyInAnyOrder(0, 1, 2);
  }

  @ParameterizedTest
  @MethodSource("variants")
  void whatIsSavedLoadsAndGivesTheSameCodes(SaeVariant variant) {
    SparseAutoencoderConfig model = new SparseAutoencoderConfig(6, 12, variant);
    float[][] rows = gaussian(50, 6, 2);
    SparseAutoencoder sae = new SaeTraining(model, config(20, 8, 0)).run(rows).autoencoder();
    double[] norms = new double[12];
    Arrays.fill(norms, 1);
    assertThat(sae.parameters().get("W_dec").norm2(1).data().asDouble())
        .containsExactly(norms, within(1e-5));
    SaeFolder.save(folder, sae);
    SparseAutoencoder loaded = SaeFolder.load(folder);
    assertThat(loaded.config()).isEqualTo(model);
    INDArray x = Nd4j.createFromArray(rows);
    INDArray codes = sae.encode(x);
    assertThat(loaded.encode(x).data().asFloat()).isEqualTo(codes.data().asFloat());
    assertThat(loaded.decode(codes).data().asFloat()).isEqualTo(sae.decode(codes).data().asFloat());
  }

  @Test
  void missingAndUnknownTensorsAreNamed() {
    SparseAutoencoderConfig model = new SparseAutoencoderConfig(3, 4, new StandardSae(0.1, 0));
    SaeFolder.save(
        folder, new SaeTraining(model, config(3, 4, 0)).run(gaussian(9, 3, 1)).autoencoder());
    Path file = folder.resolve("sae.safetensors");
    Map<String, INDArray> tensors = new LinkedHashMap<>();
    try (SafetensorsFile source = SafetensorsFile.open(file)) {
      source.names().forEach(name -> tensors.put(name, source.read(name)));
    }
    final INDArray bias = tensors.remove("b_enc");
    Safetensors.write(file, tensors, Map.of());
    assertThatThrownBy(() -> SaeFolder.load(folder))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("b_enc");
    tensors.put("b_enc", bias);
    tensors.put("extra", bias);
    Safetensors.write(file, tensors, Map.of());
    assertThatThrownBy(() -> SaeFolder.load(folder))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("tensor 'extra' is unknown");
    tensors.remove("extra");
    tensors.put("W_dec", Nd4j.zeros(DataType.FLOAT, 3, 4));
    Safetensors.write(file, tensors, Map.of());
    assertThatThrownBy(() -> SaeFolder.load(folder))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("W_dec");
  }

  @ParameterizedTest
  @MethodSource("variants")
  void equalRowsTrainWithoutNotANumber(SaeVariant variant) {
    SparseAutoencoderConfig model = new SparseAutoencoderConfig(6, 12, variant);
    for (float value : new float[] {0, 2.5f}) {
      float[][] rows = new float[20][6];
      Arrays.stream(rows).forEach(row -> Arrays.fill(row, value));
      values(new SaeTraining(model, config(12, 8, 0)).run(rows).autoencoder())
          .forEach(
              (name, v) ->
                  assertThat(Arrays.stream(v).allMatch(Double::isFinite)).as(name).isTrue());
    }
  }

  @Test
  void unusableActivationsAreRefused() {
    SaeTraining training =
        new SaeTraining(
            new SparseAutoencoderConfig(6, 12, new StandardSae(0.1, 0)), config(3, 4, 0));
    float[][] rows = gaussian(9, 6, 1);
    rows[7][2] = Float.NaN;
    assertThatThrownBy(() -> training.run(rows))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("row 7 holds NaN");
    assertThatThrownBy(() -> training.run(new float[0][]))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("no activations");
    assertThatThrownBy(() -> training.run(gaussian(9, 5, 1)))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("row 0 has 5 values, the autoencoder takes 6");
  }

  @Test
  void theGeometricMedianOfATriangleAndOfEqualPoints() {
    assertThat(GeometricMedian.of(new float[][] {{0, 0}, {1, 0}, {0, 1}}))
        .containsExactly(new double[] {0.2113, 0.2113}, within(1e-4));
    assertThat(GeometricMedian.of(new float[][] {{2, 1}, {2, 1}}))
        .containsExactly(new double[] {2, 1}, within(1e-9));
  }

  @Test
  void theRateRisesStaysAndFalls() {
    SaeTrainConfig c = new SaeTrainConfig(100, 8, null, 10L, 80L, null, null, null, 0, false);
    assertThat(c.schedule(1).rate(0)).isEqualTo(0.1, within(1e-12));
    assertThat(c.schedule(1).rate(50)).isEqualTo(1);
    assertThat(c.schedule(1).rate(90)).isEqualTo(0.5, within(1e-12));
    assertThat(
            new SaeTrainConfig(100, 8, null, 10L, 80L, null, null, null, 0, true)
                .schedule(1)
                .rate(0))
        .isZero();
    SaeVariant k = new TopKSae(1, DeadLatents.usual(), ThresholdTracking.usual());
    assertThat(c.peakRate(new SparseAutoencoderConfig(8, 64, k))).isEqualTo(1e-3);
    assertThat(c.peakRate(new SparseAutoencoderConfig(8, 16384, k))).isEqualTo(2e-4);
  }

  /** 96 atoms in 48-d, three in each sample. */
  @Test
  void plantedAtomsAreFound() {
    int atoms = 96;
    int width = 48;
    Random draw = new Random(5);
    double[][] atom = new double[atoms][width];
    for (double[] a : atom) {
      Arrays.setAll(a, j -> draw.nextGaussian());
      double norm = Math.sqrt(Arrays.stream(a).map(v -> v * v).sum());
      Arrays.setAll(a, j -> a[j] / norm);
    }
    float[][] rows = new float[8000][width];
    for (float[] row : rows) {
      int[] three = draw.ints(0, atoms).distinct().limit(3).toArray();
      for (int a : three) {
        double c = 0.5 + draw.nextDouble();
        for (int j = 0; j < width; j++) {
          row[j] += (float) (c * atom[a][j]);
        }
      }
      for (int j = 0; j < width; j++) {
        row[j] += (float) (0.02 * draw.nextGaussian());
      }
    }
    SaeVariant variant =
        new BatchTopKSae(3, new DeadLatents(1.0 / 32, 20_000), new ThresholdTracking(0.995, 200));
    SparseAutoencoderConfig model = new SparseAutoencoderConfig(width, 192, variant);
    SaeTrainConfig config =
        new SaeTrainConfig(2000, 128, 2e-3, 100L, null, null, null, null, 1, null);
    SparseAutoencoder sae = new SaeTraining(model, config).run(rows).autoencoder();
    double found = meanBestCosine(atom, sae);
    double random = meanBestCosine(atom, SparseAutoencoder.fresh(model, DataType.FLOAT, 11));
    assertThat(found).isGreaterThanOrEqualTo(0.95);
    assertThat(random).isLessThanOrEqualTo(0.5);
  }

  private static double meanBestCosine(double[][] atoms, SparseAutoencoder sae) {
    INDArray cosines =
        Nd4j.createFromArray(atoms)
            .castTo(DataType.FLOAT)
            .mmul(sae.parameters().get("W_dec").transpose());
    return cosines.max(1).meanNumber().doubleValue();
  }
}

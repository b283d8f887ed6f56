package io.lapidary.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.lapidary.data.ActivationSpec;
import io.lapidary.data.ActivationStore;
import io.lapidary.io.Safetensors;
import io.lapidary.io.SafetensorsFile;
import io.lapidary.model.sae.SaeFolder;
import java.nio.file.Path;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** Training and encoding from the command line. */
class SaeTrainCommandTest {
  @TempDir Path folder;

  private static float[][] values(int rows, int width) {
    Random random = new Random(1);
    float[][] values = new float[rows][width];
    for (float[] row : values) {
      for (int j = 0; j < width; j++) {
        row[j] = (float) random.nextGaussian();
      }
    }
    return values;
  }

  private String activations(String name, int rows, int width) {
    Path file = folder.resolve(name);
    INDArray matrix = Nd4j.createFromArray(values(rows, width));
    Safetensors.write(file, Map.of("activations", matrix), Map.of());
    return file.toString();
  }

  @Test
  void trainsAndEncodes() {
    String file = activations("a.safetensors", 40, 6);
    String out = folder.resolve("sae").toString();
    Cli.Outcome trained =
        Cli.run(
            "sae",
            "train",
            "--activations",
            file,
            "--k",
            "2",
            "--steps",
            "30",
            "--batch",
            "8",
            "--expansion",
            "2",
            "--out",
            out);
    assertThat(trained.code()).as(trained.err()).isZero();
    assertThat(trained.out()).contains("sae: complete after 30 steps, loss ");
    String figures = trained.out().lines().filter(l -> l.startsWith("on 40 of")).findFirst().get();
    Path codes = folder.resolve("codes.safetensors");
    Cli.Outcome encoded =
        Cli.run("sae", "encode", out, "--activations", file, "--out", codes.toString());
    assertThat(encoded.code()).isZero();
    assertThat(figures).endsWith(encoded.out().lines().toList().get(1));
    try (SafetensorsFile read = SafetensorsFile.open(codes)) {
      INDArray f = read.read("codes");
      double active = f.neq(0).castTo(DataType.FLOAT).sum(1).meanNumber().doubleValue();
      assertThat(figure(figures, "l0")).isCloseTo(active, within(1e-3));
      try (INDArray x = Nd4j.createFromArray(values(40, 6)).castTo(DataType.FLOAT);
          INDArray rebuilt = SaeFolder.load(folder.resolve("sae")).decode(f)) {
        double missed = Math.pow(x.sub(rebuilt).norm2Number().doubleValue(), 2);
        double spread = Math.pow(x.subRowVector(x.mean(0)).norm2Number().doubleValue(), 2);
        assertThat(figure(figures, "fvu")).isCloseTo(missed / spread, within(1e-3));
      }
      assertThat(f.shape()).containsExactly(40, 12);
      assertThat(f.minNumber().doubleValue()).isZero();
      assertThat(f.maxNumber().doubleValue()).isPositive();
    }
    Cli.Outcome narrow =
        Cli.run(
            "sae",
            "encode",
            out,
            "--activations",
            activations("b.safetensors", 4, 5),
            "--out",
            codes.toString());
    assertThat(narrow.code()).isEqualTo(2);
    assertThat(narrow.errors()).hasSize(1);
    assertThat(narrow.err()).contains("width 5").contains("takes 6");
  }

  private static double figure(String line, String name) {
    return Double.parseDouble(line.replaceAll(".*" + name + " ([0-9.e+-]+).*", "$1"));
  }

  @Test
  void aStoreIsTrainedOnAndEncodedLikeAFileOfItsRows() {
    INDArray rows = Nd4j.createFromArray(values(40, 6));
    Path file = folder.resolve("all.safetensors");
    Safetensors.write(file, Map.of("activations", rows), Map.of());
    Path store = folder.resolve("store");
    ActivationStore.collect(
        store,
        new ActivationSpec("m", "ab", "block 1", "class", 0, "numbers", "cd", 40, 1, 6, "F32", 15),
        (first, count) ->
            rows.get(NDArrayIndex.interval(first, first + count), NDArrayIndex.all()).dup('c'),
        done -> {});
    assertThat(ActivationStore.open(store).shardRows()).containsExactly(15, 15, 10);
    String out = folder.resolve("sae").toString();
    Cli.Outcome trained =
        Cli.run(
            "sae",
            "train",
            "--activations",
            store.toString(),
            "--k",
            "2",
            "--steps",
            "30",
            "--batch",
            "8",
            "--latents",
            "12",
            "--out",
            out);
    assertThat(trained.code()).as(trained.err()).isZero();
    float[][] codes = new float[2][];
    for (int i = 0; i < 2; i++) {
      Path to = folder.resolve("codes" + i + ".safetensors");
      String from = i == 0 ? store.toString() : file.toString();
      assertThat(
              Cli.run("sae", "encode", out, "--activations", from, "--out", to.toString()).code())
          .isZero();
      try (SafetensorsFile read = SafetensorsFile.open(to)) {
        codes[i] = read.read("codes").data().asFloat();
      }
    }
    assertThat(codes[0]).hasSize(40 * 12).isEqualTo(codes[1]);
  }

  @Test
  void whatIsNotANumberIsNamed() {
    float[][] values = values(40, 6);
    values[17][4] = Float.NaN;
    Path file = folder.resolve("nan.safetensors");
    Safetensors.write(file, Map.of("activations", Nd4j.createFromArray(values)), Map.of());
    String out = folder.resolve("sae").toString();
    Cli.Outcome outcome =
        Cli.run("sae", "train", "--activations", file.toString(), "--k", "2", "--out", out);
    assertThat(outcome.code()).isEqualTo(2);
    assertThat(outcome.errors()).hasSize(1);
    assertThat(outcome.err()).contains("nan.safetensors").contains("row 17, column 4");
  }

  @Test
  void moreActiveLatentsThanThereAreAreRefused() {
    Cli.Outcome outcome =
        Cli.run(
            "sae",
            "train",
            "--activations",
            activations("a.safetensors", 9, 3),
            "--k",
            "9",
            "--latents",
            "8",
            "--out",
            folder.resolve("sae").toString());
    assertThat(outcome.code()).isEqualTo(2);
    assertThat(outcome.err()).contains("k must be at most the 8 latents, got 9");
  }
}

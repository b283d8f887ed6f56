package io.lapidary.app;

import static org.assertj.core.api.Assertions.assertThat;

import io.lapidary.io.Safetensors;
import io.lapidary.io.SafetensorsFile;
import java.nio.file.Path;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Training and encoding from the command line. */
class SaeTrainCommandTest {
  @TempDir Path folder;

  private String activations(String name, int rows, int width) {
    Random random = new Random(1);
    float[][] values = new float[rows][width];
    for (float[] row : values) {
      for (int j = 0; j < width; j++) {
        row[j] = (float) random.nextGaussian();
      }
    }
    Path file = folder.resolve(name);
    Safetensors.write(file, Map.of("activations", Nd4j.createFromArray(values)), Map.of());
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
    assertThat(trained.err()).isEmpty();
    assertThat(trained.code()).isZero();
    Path codes = folder.resolve("codes.safetensors");
    Cli.Outcome encoded =
        Cli.run("sae", "encode", out, "--activations", file, "--out", codes.toString());
    assertThat(encoded.code()).isZero();
    try (SafetensorsFile read = SafetensorsFile.open(codes)) {
      INDArray f = read.read("codes");
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

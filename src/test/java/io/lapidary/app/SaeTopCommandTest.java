package io.lapidary.app;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.lapidary.io.Safetensors;
import io.lapidary.io.SafetensorsFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class SaeTopCommandTest {
  @TempDir private Path folder;
  private Path codes;

  @BeforeEach
  void file() {
    codes = folder.resolve("codes.safetensors");
    INDArray array = Nd4j.createFromArray(new float[][] {{3, 0}, {1, 0}, {2, 5}, {2, 0}});
    Safetensors.write(codes, Map.of("codes", array), Map.of());
  }

  @Test
  void tableInAFile() {
    Path out = folder.resolve("new/top.safetensors");
    Cli.Outcome outcome =
        Cli.run("sae", "top", "--codes", codes.toString(), "--k", "3", "--out", out.toString());
    assertThat(outcome.code()).as(outcome.err()).isZero();
    assertThat(outcome.out()).contains("3 images of each of 2 latents").contains("1 latents reach");
    try (SafetensorsFile file = SafetensorsFile.open(out)) {
      assertThat(file.read("indices").toIntMatrix()).isEqualTo(new int[][] {{2, 3, 0}, {1, 3, 2}});
      assertThat(file.read("activations").toFloatMatrix())
          .isEqualTo(new float[][] {{2, 2, 3}, {0, 0, 5}});
    }
  }

  @Test
  void tableAsJson() throws IOException {
    Cli.Outcome outcome = Cli.run("sae", "top", "--codes", codes.toString(), "--k", "2", "--json");
    JsonNode latents = JsonMapper.builder().build().readTree(outcome.out());
    assertThat(latents).hasSize(2);
    assertThat(latents.get(0).get("indices")).hasToString("[3,0]");
    assertThat(latents.get(1).get("activations")).hasToString("[0.0,5.0]");
  }

  @Test
  void saysWhatIsMissing() {
    Cli.Outcome few = Cli.run("sae", "top", "--codes", codes.toString(), "--json");
    assertThat(few.code()).isEqualTo(2);
    assertThat(few.err()).contains("has 4 rows, too few for 16 images per latent");
    Cli.Outcome nowhere = Cli.run("sae", "top", "--codes", codes.toString());
    assertThat(nowhere.code()).isEqualTo(2);
    assertThat(nowhere.err()).contains("--out or --json");
    Cli.Outcome none = Cli.run("sae", "top", "--codes", codes.toString(), "--k", "0", "--json");
    assertThat(none.code()).isEqualTo(2);
  }
}

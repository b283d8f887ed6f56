package io.lapidary.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.lapidary.io.Dtype;
import io.lapidary.io.Safetensors;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class SaeScoreCommandTest {
  private static final double[][] CODES = {{5, 0, 1}, {4, 0, 1}, {2, 0, 1}, {1, 3, 1}};
  private static final double[][] EMBEDDINGS = {{1, 0}, {.8, .6}, {0, 1}, {-1, 0}};

  @TempDir private Path folder;
  private Path codes;
  private Path embeddings;

  @BeforeEach
  void files() {
    codes = folder.resolve("codes.safetensors");
    embeddings = folder.resolve("embeddings.safetensors");
    store(codes, "codes", Nd4j.createFromArray(CODES), Dtype.F32);
    store(embeddings, "embeddings", Nd4j.createFromArray(EMBEDDINGS), Dtype.F32);
  }

  @ParameterizedTest
  @EnumSource(names = {"F16", "BF16", "F32", "F64"})
  void jsonHoldsEveryLatent(Dtype dtype) throws IOException {
    store(codes, "codes", Nd4j.createFromArray(CODES), dtype);
    Cli.Outcome outcome = score("--json");
    assertThat(outcome.code()).as(outcome.err()).isZero();
    JsonNode latents = JsonMapper.builder().build().readTree(outcome.out());
    assertThat(latents).hasSize(3);
    assertThat(latents.get(0).get("latent").intValue()).isZero();
    assertThat(latents.get(0).get("ms").doubleValue()).isCloseTo(.6, within(1e-7));
    assertThat(latents.get(0).get("density").doubleValue()).isEqualTo(1);
    assertThat(latents.get(1).get("ms").isNull()).isTrue(); // one image
    assertThat(latents.get(1).get("density").doubleValue()).isEqualTo(.25);
    assertThat(latents.get(2).get("ms").isNull()).isTrue(); // constant
  }

  @Test
  void tableSumsUp() {
    assertThat(score("--top", "1").out().lines())
        .contains(
            "4 images, 3 latents, 2.25 active per image",
            "all latents: 1 scored, 2 dead; MS mean 0.6000, median 0.6000",
            "active on 10 images or more: 0 scored, 0 dead",
            "0          0.6000   1.00000");
  }

  @Test
  void filesOfSeveralBlocksAreOneDataSet() throws IOException {
    int wide = (1 << 20) / 3 + 1; // three rows of codes fill a block
    INDArray many = Nd4j.zeros(DataType.FLOAT, 4, wide);
    for (int row = 0; row < 4; row++) {
      many.putScalar(row, wide - 1, CODES[row][0]);
    }
    store(codes, "codes", many, Dtype.F16);
    JsonNode latents = JsonMapper.builder().build().readTree(score("--json").out());
    assertThat(latents).hasSize(wide);
    assertThat(latents.get(wide - 1).get("ms").doubleValue()).isCloseTo(.6, within(1e-7));
  }

  @ParameterizedTest
  @CsvSource({
    "NaN, 2, 1, 'row 2, column 1 is NaN'",
    "Infinity, 0, 2, 'row 0, column 2 is Infinity'"
  })
  void namesTheNumberThatIsNone(double value, int row, int column, String message) {
    INDArray broken = Nd4j.createFromArray(CODES).putScalar(row, column, value);
    store(codes, "codes", broken, Dtype.F32);
    assertRefused(message);
  }

  @Test
  void refusesWhatHasNoScore() {
    store(embeddings, "embeddings", Nd4j.ones(5, 2), Dtype.F32);
    assertRefused("has 4 rows but");
    store(embeddings, "embeddings", Nd4j.zeros(4, 2), Dtype.F32);
    assertRefused("row 0 is all 0 and has no direction");
    store(embeddings, "vectors", Nd4j.ones(4, 2), Dtype.F32);
    assertRefused("tensor 'embeddings' is missing; the file holds 'vectors'");
    store(embeddings, "embeddings", Nd4j.ones(DataType.FLOAT, 1, 2), Dtype.F32);
    store(codes, "codes", Nd4j.ones(DataType.FLOAT, 1, 2), Dtype.F32);
    assertRefused("needs at least 2 images");
    store(codes, "codes", Nd4j.ones(DataType.FLOAT, 4), Dtype.F32);
    assertRefused("expected a matrix [rows, columns], found shape [4]");
    store(codes, "codes", Nd4j.ones(DataType.LONG, 4, 2), null);
    assertRefused("expected F16, BF16, F32 or F64, found I64");
    store(codes, "codes", Nd4j.create(DataType.FLOAT, 0, 2), Dtype.F32);
    assertRefused("tensor 'codes' is empty");
    codes = folder.resolve("none.safetensors");
    assertRefused("expected a safetensors file, found nothing of that name");
    assertThat(Cli.run("sae").code()).isEqualTo(2);
    assertThat(score("--top", "-1").code()).isEqualTo(2);
  }

  private void assertRefused(String message) {
    Cli.Outcome outcome = score();
    assertThat(outcome.code()).as(outcome.err()).isEqualTo(2);
    assertThat(outcome.errors()).hasSize(1).first().asString().contains(message);
  }

  private Cli.Outcome score(String... more) {
    String[] args = new String[6 + more.length];
    String[] fixed = {
      "sae", "score", "--codes", codes.toString(), "--embeddings", embeddings.toString()
    };
    System.arraycopy(fixed, 0, args, 0, 6);
    System.arraycopy(more, 0, args, 6, more.length);
    return Cli.run(args);
  }

  private static void store(Path file, String name, INDArray array, Dtype dtype) {
    Safetensors.write(file, Map.of(name, array), Map.of(), dtype);
  }
}

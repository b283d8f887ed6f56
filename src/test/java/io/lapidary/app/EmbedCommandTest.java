package io.lapidary.app;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.lapidary.io.ImageProcessor;
import io.lapidary.io.SafetensorsFile;
import io.lapidary.model.Clip;
import io.lapidary.model.ResNet;
import io.lapidary.model.TextEncoder;
import io.lapidary.model.VisionEncoder;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class EmbedCommandTest {
  private static final Path GOLDEN = Path.of("src/test/resources/golden");
  private static final List<String> LINES =
      List.of("w5 w6 w7", "", "w9 w8 w7 w6 w5 w4 w3 w2 w1 w9 w9 w9 w9 w9 w9 w9 w9 w9", "w5");

  @TempDir Path temporary;

  /** A copy of a golden model whose tokens are w0 … w98. */
  private Path model(String name) throws IOException {
    Path folder = Files.createDirectories(temporary.resolve(name));
    for (String file : List.of("config.json", "model.safetensors")) {
      Files.copy(GOLDEN.resolve(name).resolve(file), folder.resolve(file));
    }
    String vocabulary =
        IntStream.range(0, 99)
            .mapToObj(i -> "\"w" + i + "\":" + i)
            .collect(Collectors.joining(","));
    Files.writeString(
        folder.resolve("tokenizer.json"),
        "{\"version\":\"1.0\",\"truncation\":null,\"padding\":null,\"added_tokens\":[],"
            + "\"normalizer\":null,\"pre_tokenizer\":{\"type\":\"WhitespaceSplit\"},"
            + "\"post_processor\":null,\"decoder\":null,\"model\":{\"type\":\"WordLevel\","
            + "\"vocab\":{"
            + vocabulary
            + "},\"unk_token\":\"w0\"}}");
    Files.writeString(
        folder.resolve("tokenizer_config.json"), "{\"pad_token\": \"w0\", \"eos_token\": \"w98\"}");
    return folder;
  }

  private INDArray embed(Path model, Path input) {
    Path out = temporary.resolve("out.safetensors");
    Cli.Outcome outcome =
        Cli.run("embed", model.toString(), input.toString(), "--out", out.toString());
    assertThat(outcome.err()).isEmpty();
    assertThat(outcome.code()).isZero();
    try (SafetensorsFile file = SafetensorsFile.open(out)) {
      assertThat(file.names()).containsExactly("embeddings");
      return file.read("embeddings");
    }
  }

  private Path text() throws IOException {
    return Files.writeString(temporary.resolve("text.txt"), String.join("\n", LINES) + "\n");
  }

  private Path pictures() throws IOException {
    Path folder = Files.createDirectories(temporary.resolve("pictures"));
    for (int n = 0; n < 3; n++) {
      BufferedImage image = new BufferedImage(40 + n, 35, BufferedImage.TYPE_INT_RGB);
      for (int i = 0; i < image.getWidth() * 35; i++) {
        image.setRGB(i % image.getWidth(), i / image.getWidth(), i * 7919 * (n + 1));
      }
      ImageIO.write(image, "png", folder.resolve("p" + n + ".png").toFile());
    }
    Files.writeString(folder.resolve("notes.txt"), "no picture");
    return folder;
  }

  private static List<BufferedImage> read(Path folder) throws IOException {
    return List.of(
        ImageIO.read(folder.resolve("p0.png").toFile()),
        ImageIO.read(folder.resolve("p1.png").toFile()),
        ImageIO.read(folder.resolve("p2.png").toFile()));
  }

  private static void assertClose(INDArray found, INDArray expected) {
    assertThat(found.shape()).isEqualTo(expected.shape());
    assertThat(found.sub(expected).amaxNumber().doubleValue()).isLessThan(1e-5);
  }

  /** What {@code pooling} makes of the states of "w5 w6 w7", computed by hand. */
  private static double[] byHand(INDArray states, String pooling) {
    double[] vector = new double[(int) states.size(2)];
    for (int j = 0; j < vector.length; j++) {
      double[] column = {
        states.getDouble(0, 0, j), states.getDouble(0, 1, j), states.getDouble(0, 2, j)
      };
      double sum = column[0] + column[1] + column[2];
      vector[j] =
          switch (pooling) {
            case "cls_token" -> column[0];
            case "max_tokens" -> Math.max(column[0], Math.max(column[1], column[2]));
            case "mean_sqrt_len_tokens" -> sum / Math.sqrt(3);
            default -> sum / 3;
          };
    }
    return vector;
  }

  @ParameterizedTest
  @CsvSource({
    "mean_tokens,true",
    "mean_tokens,false",
    "cls_token,false",
    "max_tokens,true",
    "mean_sqrt_len_tokens,false"
  })
  void poolsAsTheFolderSays(String pooling, boolean normed) throws IOException {
    Path model = model("bert");
    Files.createDirectories(model.resolve("1_Pooling"));
    Files.writeString(
        model.resolve("1_Pooling/config.json"),
        "{\"word_embedding_dimension\": 32, \"pooling_mode_" + pooling + "\": true}");
    String modules =
        "[{\"idx\": 0, \"path\": \"\", \"type\": \"sentence_transformers.models.Transformer\"},"
            + "{\"idx\": 1, \"path\": \"1_Pooling\","
            + " \"type\": \"sentence_transformers.models.Pooling\"}";
    String normalize =
        ",{\"idx\": 2, \"path\": \"2_N\", \"type\": \"sentence_transformers.models.Normalize\"}";
    Files.writeString(model.resolve("modules.json"), modules + (normed ? normalize : "") + "]");
    INDArray found = embed(model, text());
    assertThat(found.shape()).containsExactly(4, 32);
    try (TextEncoder encoder = TextEncoder.load(model)) {
      INDArray ids = Nd4j.createFromArray(new int[][] {{5, 6, 7}});
      double[] expected =
          byHand(encoder.tokenStates(ids, Nd4j.createFromArray(new int[][] {{1, 1, 1}})), pooling);
      double norm = 0;
      for (double value : expected) {
        norm += value * value;
      }
      for (int j = 0; j < expected.length; j++) {
        double value = normed ? expected[j] / Math.sqrt(norm) : expected[j];
        assertThat(Math.abs(found.getDouble(0, j) - value)).isLessThan(1e-5);
      }
    }
  }

  @Test
  void printsVectorsOfEmptyLinesToo() throws IOException {
    Path text = text();
    Path model = model("mpnet");
    Cli.Outcome plain = Cli.run("embed", model.toString(), text.toString());
    assertThat(plain.out().lines()).hasSize(4).allMatch(line -> line.split(" ").length == 32);
    Cli.Outcome json = Cli.run("embed", model.toString(), text.toString(), "--json");
    List<String> lines = json.out().lines().toList();
    for (int i = 0; i < LINES.size(); i++) {
      JsonNode line = new ObjectMapper().readTree(lines.get(i));
      assertThat(line.get("input").asText()).isEqualTo(LINES.get(i));
      assertThat(line.get("embedding")).hasSize(32);
    }
    assertThat(embed(Path.of("minilm"), text).shape()).containsExactly(4, 384);
  }

  @Test
  void clipEmbedsTextsAndPictures() throws IOException {
    Path model = model("clip");
    Path folder = pictures();
    try (Clip clip = Clip.load(model)) {
      INDArray pixels = ImageProcessor.clip(32).process(read(folder));
      assertClose(embed(model, folder), clip.imageEmbeddings(pixels));
      assertClose(
          embed(model, folder.resolve("p1.png")), clip.imageEmbeddings(pixels).getRow(1, true));
      Path text = Files.writeString(temporary.resolve("clip.txt"), "w5 w98\r\nw6 w7 w98");
      INDArray ids = Nd4j.createFromArray(new int[][] {{5, 98, 0, 0}, {6, 7, 98, 0}});
      assertClose(embed(model, text), clip.textEmbeddings(ids));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"vit", "dinov2", "siglip_vision", "resnet"})
  void visionModelsEmbedPictures(String name) throws IOException {
    Path folder = pictures();
    INDArray found = embed(GOLDEN.resolve(name), folder);
    if (name.equals("resnet")) {
      try (ResNet resNet = ResNet.load(GOLDEN.resolve(name))) {
        INDArray pixels = ImageProcessor.siglip(224).process(read(folder));
        assertClose(found, resNet.pooled(pixels));
      }
      return;
    }
    try (VisionEncoder encoder = VisionEncoder.load(GOLDEN.resolve(name))) {
      INDArray pixels = ImageProcessor.siglip(encoder.config().imageSize()).process(read(folder));
      assertClose(found, encoder.pooled(pixels));
    }
  }

  @Test
  void errorsAreOneLine() throws IOException {
    Path text = text();
    Path empty = Files.writeString(temporary.resolve("empty.txt"), "");
    Path broken = Files.writeString(temporary.resolve("broken.png"), "no picture");
    Path binary = Files.write(temporary.resolve("binary.txt"), new byte[] {(byte) 0xff, 1});
    Path dense = model("bert");
    Files.writeString(
        dense.resolve("modules.json"), "[{\"type\": \"sentence_transformers.models.Dense\"}]");
    Path unpooled = model("mpnet");
    Files.createDirectories(unpooled.resolve("1_Pooling"));
    Files.writeString(
        unpooled.resolve("1_Pooling/config.json"), "{\"pooling_mode_lasttoken\": true}");
    Map<String[], String> cases =
        Map.of(
            new String[] {"minilm", empty.toString()}, "holds no lines",
            new String[] {"minilm", binary.toString()}, "not valid UTF-8",
            new String[] {"minilm", temporary.resolve("gone").toString()}, "no such file",
            new String[] {"minilm", broken.toString()}, "embeds texts",
            new String[] {GOLDEN.resolve("vit").toString(), text.toString()}, "not vit",
            new String[] {GOLDEN.resolve("vit").toString(), broken.toString()}, "not a readable",
            new String[] {GOLDEN.resolve("vit").toString(), temporary.toString() + "/bert"},
                "holds no pictures",
            new String[] {dense.toString(), text.toString()}, "Dense",
            new String[] {unpooled.toString(), text.toString()}, "pooling_mode_lasttoken",
            new String[] {GOLDEN.resolve("llama").toString(), text.toString()}, "not llama");
    cases.forEach(
        (args, message) -> {
          Cli.Outcome outcome = Cli.run("embed", args[0], args[1]);
          assertThat(outcome.code()).as(message).isEqualTo(2);
          assertThat(outcome.errors()).singleElement().asString().contains(message);
        });
  }
}

package io.lapidary.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.lapidary.Seeds;
import io.lapidary.data.ActivationStore;
import io.lapidary.io.Dtype;
import io.lapidary.io.ImageProcessor;
import io.lapidary.io.SafetensorsFile;
import io.lapidary.model.CausalLm;
import io.lapidary.model.Clip;
import io.lapidary.model.VisionConfig;
import io.lapidary.model.VisionEncoder;
import io.lapidary.model.VisionLanguageModel;
import io.lapidary.model.sae.SaeFolder;
import io.lapidary.model.sae.SparseAutoencoder;
import io.lapidary.model.sae.SparseAutoencoderConfig;
import io.lapidary.model.sae.StandardSae;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

class SaeCollectCommandTest {
  private static final Path MODEL = Path.of("src/test/resources/golden/vit");

  @TempDir private Path folder;
  private final List<BufferedImage> pictures = new ArrayList<>();

  @BeforeEach
  void draw() throws IOException {
    Files.createDirectories(folder.resolve("pictures"));
    for (int i = 0; i < 5; i++) {
      BufferedImage picture = new BufferedImage(20, 20, BufferedImage.TYPE_INT_RGB);
      for (int x = 0; x < 20; x++) {
        picture.setRGB(x, (x * (i + 1)) % 20, 0xff8000 >> i);
      }
      ImageIO.write(picture, "png", folder.resolve("pictures/" + i + ".png").toFile());
      pictures.add(picture);
    }
  }

  @Test
  void storesTheBlockInTheOrderOfThePictures() {
    Cli.Outcome outcome = collect("acts", "--layer", "-1", "--file-rows", "2");
    assertThat(outcome.code()).as(outcome.err()).isZero();
    ActivationStore store = ActivationStore.open(folder.resolve("acts"));
    assertThat(store.manifest().shards()).hasSize(3);
    try (VisionEncoder encoder = VisionEncoder.load(MODEL)) {
      VisionConfig config = encoder.config();
      assertThat(store.manifest().spec().layer()).isEqualTo("block " + (config.layers() - 1));
      INDArray pixels = processor(config).process(pictures);
      INDArray states = encoder.hiddenState(pixels, config.layers());
      INDArray first = read("acts/activations-00000.safetensors");
      INDArray expected =
          states.get(NDArrayIndex.interval(0, 2), NDArrayIndex.point(0), NDArrayIndex.all());
      assertThat(first.equalsWithEps(expected.dup(), 1e-5)).isTrue();
      INDArray last = read("acts/activations-00002.safetensors");
      assertThat(
              last.equalsWithEps(
                  states
                      .get(NDArrayIndex.interval(4, 5), NDArrayIndex.point(0), NDArrayIndex.all())
                      .dup(),
                  1e-5))
          .isTrue();
    }
  }

  @Test
  void runAgainItChangesNothing() throws IOException {
    collect("acts", "--layer", "0", "--tokens", "random:3", "--dtype", "f16");
    byte[] before = Files.readAllBytes(folder.resolve("acts/activations-00000.safetensors"));
    Files.delete(folder.resolve("acts/activations-00000.safetensors"));
    collect("acts", "--layer", "0", "--tokens", "random:3", "--dtype", "f16");
    assertThat(folder.resolve("acts/activations-00000.safetensors")).hasBinaryContent(before);
    Cli.Outcome other = collect("acts", "--layer", "1", "--tokens", "random:3", "--dtype", "f16");
    assertThat(other.code()).isEqualTo(2);
    assertThat(other.err()).contains("layer is \"block 0\", this run has \"block 1\"");
  }

  @Test
  void tokensAreTakenAsNamed() {
    INDArray states =
        Nd4j.arange(24).reshape(2, 3, 4).castTo(org.nd4j.linalg.api.buffer.DataType.FLOAT);
    Seeds seeds = new Seeds(1);
    assertThat(TokenChoice.of("class").take(states, true, 0, seeds).toFloatMatrix())
        .isEqualTo(new float[][] {{0, 1, 2, 3}, {12, 13, 14, 15}});
    assertThat(TokenChoice.of("mean").take(states, true, 0, seeds).toFloatMatrix())
        .isEqualTo(new float[][] {{4, 5, 6, 7}, {16, 17, 18, 19}});
    assertThat(TokenChoice.of("patches").take(states, true, 0, seeds).toFloatMatrix())
        .isEqualTo(
            new float[][] {{4, 5, 6, 7}, {8, 9, 10, 11}, {16, 17, 18, 19}, {20, 21, 22, 23}});
    assertThat(TokenChoice.of("all").take(states, true, 0, seeds).shape()).containsExactly(6, 4);
    INDArray drawn = TokenChoice.of("random:50").take(states, true, 7, seeds);
    assertThat(drawn.shape()).containsExactly(100, 4);
    boolean[] seen = new boolean[3];
    for (int row = 0; row < 100; row++) {
      int value = drawn.getInt(row, 0);
      assertThat(value / 12).isEqualTo(row / 50); // of its own image
      seen[value % 12 / 4] = true;
    }
    assertThat(seen).containsOnly(true);
    INDArray second = states.get(NDArrayIndex.interval(1, 2)).dup();
    assertThat(TokenChoice.of("random:50").take(second, true, 8, seeds))
        .isEqualTo(drawn.get(NDArrayIndex.interval(50, 100), NDArrayIndex.all()));
  }

  @ParameterizedTest
  @CsvSource({
    "99, class, f32, '--layer must be in'",
    "0, some, f32, '--tokens must be'",
    "0, random:0, f32, '--tokens must be'",
    "0, class, f64, '--dtype must be f32 or f16'"
  })
  void saysWhatCannotBe(String layer, String tokens, String dtype, String message) {
    Cli.Outcome outcome = collect("acts", "--layer", layer, "--tokens", tokens, "--dtype", dtype);
    assertThat(outcome.code()).isEqualTo(2);
    assertThat(outcome.errors()).hasSize(1).first().asString().contains(message);
  }

  @Test
  void projectedEmbeddingsOfClip() {
    Path clip = Path.of("src/test/resources/golden/clip");
    Cli.Outcome outcome =
        Cli.run(
            "sae",
            "collect",
            clip.toString(),
            "--data",
            folder.resolve("pictures").toString(),
            "--layer",
            "projection",
            "--out",
            folder.resolve("acts").toString());
    assertThat(outcome.code()).as(outcome.err()).isZero();
    try (Clip model = Clip.load(clip)) {
      int side = model.config().vision().imageSize();
      INDArray expected = model.imageEmbeddings(ImageProcessor.clip(side).process(pictures));
      assertThat(read("acts/activations-00000.safetensors").equalsWithEps(expected, 1e-5)).isTrue();
    }
    assertThat(ActivationStore.open(folder.resolve("acts")).manifest().spec().layer())
        .isEqualTo("projection");
    assertThat(collect("more", "--layer", "projection").err()).contains("folders of CLIP");
  }

  @Test
  void theTowerOfAVisionLanguageModel() {
    Path llava = Path.of("src/test/resources/golden/llava");
    Cli.Outcome outcome =
        Cli.run(
            "sae",
            "collect",
            llava.toString(),
            "--data",
            folder.resolve("pictures").toString(),
            "--layer",
            "1",
            "--tokens",
            "all",
            "--out",
            folder.resolve("acts").toString());
    assertThat(outcome.code()).as(outcome.err()).isZero();
    try (VisionLanguageModel model = VisionLanguageModel.load(llava)) {
      int side = model.config().vision().imageSize();
      INDArray states = model.towerState(ImageProcessor.clip(side).process(pictures), 1);
      INDArray expected = states.reshape('c', states.size(0) * states.size(1), states.size(2));
      assertThat(read("acts/activations-00000.safetensors").equalsWithEps(expected, 1e-5)).isTrue();
    }
  }

  @Test
  void textInWindowsThroughALanguageModelAndTheLossOfReconstructions() throws IOException {
    Path model = LmFolders.copy("llama", folder.resolve("lm"));
    Path text = folder.resolve("book.txt");
    Files.writeString(text, "w5 w6 w7 w8\n\nw9 w10 w11 w12 w13 w14\nw15");
    Cli.Outcome outcome =
        Cli.run(
            "sae",
            "collect",
            model.toString(),
            "--data",
            text.toString(),
            "--layer",
            "-1",
            "--context",
            "4",
            "--out",
            folder.resolve("acts").toString());
    assertThat(outcome.code()).as(outcome.err()).isZero();
    INDArray ids = Nd4j.createFromArray(new int[][] {{5, 6, 7, 8}, {9, 10, 11, 12}});
    INDArray acts = read("acts/activations-00000.safetensors");
    int last;
    try (CausalLm lm = CausalLm.load(model)) {
      last = lm.config().layers().size() - 1;
      INDArray states = lm.blockOutput(ids, last);
      assertThat(acts.equalsWithEps(states.reshape('c', 8, states.size(2)), 1e-5)).isTrue();
      INDArray earlier = lm.hiddenStates(ids, null).get(last); // no norm follows but the last
      assertThat(lm.blockOutput(ids, last - 1).equalsWithEps(earlier, 1e-6)).isTrue();
    }
    int width = (int) acts.size(1);
    SparseAutoencoder sae = identity(width);
    SaeFolder.save(folder.resolve("sae"), sae);
    String[] loss = {
      "sae",
      "loss",
      folder.resolve("sae").toString(),
      "--model",
      model.toString(),
      "--data",
      text.toString(),
      "--layer",
      "" + last,
      "--context",
      "4",
      "--json"
    };
    JsonNode json = parse(Cli.run(loss).out());
    assertThat(json.path("windows").asInt()).isEqualTo(2);
    assertThat(json.path("recovered").asDouble()).isEqualTo(1, within(1e-3));
    assertThat(json.path("zero").asDouble()).isNotEqualTo(json.path("original").asDouble());
    sae.parameters().get("W_dec").muli(0);
    SaeFolder.save(folder.resolve("sae"), sae);
    assertThat(parse(Cli.run(loss).out()).path("recovered").asDouble()).isEqualTo(0, within(1e-3));
    Files.writeString(text, "w5 w6");
    assertThat(Cli.run(loss).err()).contains("has 2 tokens, a window takes 4");
    SaeFolder.save(folder.resolve("sae"), identity(width + 1));
    Files.writeString(text, "w5 w6 w7 w8");
    assertThat(Cli.run(loss).err()).contains("takes " + (width + 1));
  }

  private static JsonNode parse(String json) throws IOException {
    return new ObjectMapper().readTree(json);
  }

  /** An autoencoder that keeps everything: latents x and -x. */
  private static SparseAutoencoder identity(int width) {
    SparseAutoencoderConfig config =
        new SparseAutoencoderConfig(width, 2 * width, new StandardSae(0, 0));
    SparseAutoencoder sae = SparseAutoencoder.fresh(config, DataType.FLOAT, 1);
    INDArray both = Nd4j.concat(1, Nd4j.eye(width), Nd4j.eye(width).neg());
    sae.parameters().get("W_enc").assign(both);
    sae.parameters().get("W_dec").assign(both.transpose());
    sae.parameters().get("b_enc").assign(0);
    sae.parameters().put("b_dec", Nd4j.zeros(DataType.FLOAT, width));
    return sae;
  }

  @Test
  void ownCheckpointOverEmoji() {
    Path model = folder.resolve("model");
    try (VisionEncoder encoder = VisionEncoder.load(MODEL)) {
      encoder.save(model, Dtype.F32);
    }
    Cli.Outcome outcome =
        Cli.run(
            "sae",
            "collect",
            model.toString(),
            "--data",
            "emoji:mars",
            "--layer",
            "0",
            "--out",
            folder.resolve("acts").toString());
    assertThat(outcome.code()).isEqualTo(2);
    assertThat(outcome.err()).contains("expected emoji:google or emoji:twitter, found mars");
    assertThat(PictureSet.of("emoji:google").size()).isGreaterThan(1000);
    assertThat(PictureSet.of("emoji:google").sha256())
        .isNotEqualTo(PictureSet.of("emoji:twitter").sha256());
  }

  private static ImageProcessor processor(VisionConfig config) {
    Path file = MODEL.resolve("preprocessor_config.json");
    return Files.exists(file)
        ? ImageProcessor.read(file)
        : ImageProcessor.siglip(config.imageSize());
  }

  private INDArray read(String file) {
    try (SafetensorsFile open = SafetensorsFile.open(folder.resolve(file))) {
      return open.read(ActivationStore.TENSOR);
    }
  }

  private Cli.Outcome collect(String out, String... more) {
    List<String> args =
        new ArrayList<>(
            List.of(
                "sae",
                "collect",
                MODEL.toString(),
                "--data",
                folder.resolve("pictures").toString(),
                "--out",
                folder.resolve(out).toString()));
    args.addAll(List.of(more));
    return Cli.run(args.toArray(String[]::new));
  }
}

package io.lapidary.app;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.lapidary.data.Emoji;
import io.lapidary.data.EmojiDataset;
import io.lapidary.model.sae.BatchTopKSae;
import io.lapidary.model.sae.DeadLatents;
import io.lapidary.model.sae.SaeFolder;
import io.lapidary.model.sae.SparseAutoencoder;
import io.lapidary.model.sae.SparseAutoencoderConfig;
import io.lapidary.model.sae.ThresholdTracking;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.factory.Nd4j;

/** Steering the shipped vision-language model from the command line. */
class SaeSteerCommandTest {
  private static final String VLM = "checkpoints/emoji-vlm";

  @TempDir private Path folder;
  private Path image;

  @BeforeEach
  void picture() throws IOException {
    EmojiDataset data = EmojiDataset.open();
    int side = EmojiDataset.SIZE;
    float[] values = data.image(0, Emoji.Vendor.GOOGLE, 1, 1, 1);
    BufferedImage picture = new BufferedImage(side, side, BufferedImage.TYPE_INT_RGB);
    for (int p = 0; p < side * side; p++) {
      int rgb = 0;
      for (int c = 0; c < 3; c++) {
        rgb = rgb << 8 | Math.round(255 * values[c * side * side + p]);
      }
      picture.setRGB(p % side, p / side, rgb);
    }
    image = folder.resolve("grinning.png");
    ImageIO.write(picture, "png", image.toFile());
  }

  private Path autoencoder(int width) {
    SparseAutoencoder sae =
        SparseAutoencoder.fresh(
            new SparseAutoencoderConfig(
                width,
                2 * width,
                new BatchTopKSae(8, DeadLatents.usual(), new ThresholdTracking(0.9, 0))),
            DataType.FLOAT,
            1);
    sae.parameters().put("threshold", Nd4j.createFromArray(0.1f));
    sae.parameters().put("b_dec", Nd4j.zeros(DataType.FLOAT, width));
    sae.parameters().put("b_enc", Nd4j.zeros(DataType.FLOAT, 2L * width));
    Path to = folder.resolve("sae" + width);
    SaeFolder.save(to, sae);
    return to;
  }

  private Cli.Outcome steer(Path sae, String... more) {
    List<String> args =
        new ArrayList<>(
            List.of(
                "sae",
                "steer",
                VLM,
                "--sae",
                sae.toString(),
                "--image",
                image.toString(),
                "--prompt",
                "What category is this?"));
    args.addAll(Arrays.asList(more));
    return Cli.run(args.toArray(String[]::new));
  }

  @Test
  void answersBeforeAndAfter() throws IOException {
    Path sae = autoencoder(256);
    Cli.Outcome kept = steer(sae, "--scale", "3=1", "--keep-error", "--json");
    assertThat(kept.code()).as(kept.err()).isZero();
    JsonNode answers = new ObjectMapper().readTree(kept.out()).get(0);
    assertThat(answers.get("image").asText()).isEqualTo(image.toString());
    assertThat(answers.get("unsteered").asText()).isNotEmpty();
    assertThat(answers.get("reconstruction").asText())
        .as("with the error added back nothing changes")
        .isEqualTo(answers.get("unsteered").asText());
    assertThat(answers.get("steered").asText()).isEqualTo(answers.get("unsteered").asText());
    Cli.Outcome moved =
        steer(sae, "--replace", "3=60", "--add", "9=40", "--ablate", "1", "--tokens", "rest");
    assertThat(moved.code()).as(moved.err()).isZero();
    assertThat(moved.out())
        .contains("unsteered       " + answers.get("unsteered").asText())
        .contains("steered         ");
  }

  @Test
  void whatDoesNotFitIsOneLine() {
    Path sae = autoencoder(256);
    assertThat(steer(sae).err()).contains("say what to change");
    refused(steer(sae, "--ablate", "512"), "latent", "511");
    refused(steer(sae, "--ablate", "1", "--block", "3"), "--block", "2");
    refused(steer(sae, "--ablate", "1", "--tokens", "some"), "--tokens");
    refused(steer(autoencoder(8), "--ablate", "1"), "width 8", "256");
    refused(
        Cli.run(
            "sae",
            "steer",
            "checkpoints/emoji-clip",
            "--sae",
            sae.toString(),
            "--image",
            image.toString(),
            "--prompt",
            "x",
            "--ablate",
            "1"),
        "llava");
  }

  private static void refused(Cli.Outcome outcome, String... words) {
    assertThat(outcome.code()).as(outcome.err()).isEqualTo(2);
    assertThat(outcome.errors()).hasSize(1);
    assertThat(outcome.err()).contains(words);
  }
}

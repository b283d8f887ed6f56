package io.lapidary.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.lapidary.InputException;
import io.lapidary.io.Dtype;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class OpenClipTest {
  private static final Golden GOLDEN = Golden.of("openclip");

  @TempDir Path temporary;

  private static void check(Clip clip) {
    INDArray images = clip.imageEmbeddings(GOLDEN.get("pixel_values"));
    INDArray texts = clip.textEmbeddings(GOLDEN.get("input_ids"));
    GOLDEN.assertClose(images, "image_embeds");
    GOLDEN.assertClose(texts, "text_embeds");
    GOLDEN.assertClose(clip.logits(images, texts), "logits_per_image");
  }

  @Test
  void matchesTheReferenceImplementation() {
    try (Clip clip = Clip.load(GOLDEN.folder())) {
      check(clip);
      assertThat(clip.config().vision().activation()).isEqualTo("gelu");
    }
  }

  @Test
  void savesInBothLayouts() {
    try (Clip clip = Clip.load(GOLDEN.folder())) {
      clip.saveOpenClip(temporary.resolve("open"), Dtype.F32);
      Golden.assertSameTensors(temporary.resolve("open"), GOLDEN.folder());
      clip.save(temporary.resolve("hub"), Dtype.F32);
    }
    for (String layout : new String[] {"open", "hub"}) {
      try (Clip clip = Clip.load(temporary.resolve(layout))) {
        check(clip);
      }
    }
  }

  @Test
  void readsTextPrefixesAndLinearProjections() {
    GOLDEN.copyTo(
        temporary,
        config -> {},
        tensors -> {
          Map<String, INDArray> renamed = new LinkedHashMap<>();
          tensors.forEach(
              (name, array) -> {
                boolean shared = name.startsWith("visual.") || name.equals("logit_scale");
                renamed.put(shared ? name : "text." + name, array);
              });
          INDArray projection = renamed.remove("text.text_projection");
          renamed.put("text.text_projection.weight", projection.transpose().dup('c'));
          renamed.put("text.attn_mask", Nd4j.zeros(12, 12));
          tensors.clear();
          tensors.putAll(renamed);
        },
        Dtype.F32,
        50_000);
    assertThat(temporary.resolve("open_clip_model.safetensors.index.json")).exists();
    try (Clip clip = Clip.load(temporary)) {
      check(clip);
    }
  }

  @Test
  void quickGeluChangesTheNumbers() {
    GOLDEN.copyTo(
        temporary,
        config -> ((ObjectNode) config.get("model_cfg")).put("quick_gelu", true),
        tensors -> {},
        Dtype.F32,
        Long.MAX_VALUE);
    try (Clip clip = Clip.load(temporary)) {
      assertThat(clip.config().text().activation()).isEqualTo("quick_gelu");
      INDArray images = clip.imageEmbeddings(GOLDEN.get("pixel_values"));
      double gap = images.sub(GOLDEN.get("image_embeds")).amaxNumber().doubleValue();
      assertThat(gap).isBetween(1e-4, 0.2);
    }
  }

  @Test
  void refusesPartsThatAreNotBuilt() {
    GOLDEN.copyTo(
        temporary,
        config ->
            ((ObjectNode) config.get("model_cfg").get("vision_cfg"))
                .put("timm_model_name", "vit_base_patch16_siglip_224"),
        tensors -> {},
        Dtype.F32,
        Long.MAX_VALUE);
    assertThatThrownBy(() -> Clip.load(temporary))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("vision_cfg: timm_model_name \"vit_base")
        .hasMessageContaining("not supported");
    GOLDEN.copyTo(
        temporary,
        config -> {},
        tensors -> tensors.remove("visual.transformer.resblocks.1.attn.in_proj_bias"),
        Dtype.F32,
        Long.MAX_VALUE);
    assertThatThrownBy(() -> Clip.load(temporary))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("missing 'visual.transformer.resblocks.1.attn.in_proj_bias' [192]");
  }
}

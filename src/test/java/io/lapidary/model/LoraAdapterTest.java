package io.lapidary.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.lapidary.InputException;
import io.lapidary.engine.Gradients;
import io.lapidary.engine.Graph;
import io.lapidary.engine.Plan;
import io.lapidary.io.Jsons;
import io.lapidary.io.SafetensorsFile;
import io.lapidary.layer.Lora;
import io.lapidary.layer.LoraAdapters;
import io.lapidary.layer.LoraAdapters.Predicates;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class LoraAdapterTest {
  private static final Path GOLDEN = Path.of("src/test/resources/golden");
  private static final Path FOLDER = GOLDEN.resolve("llama_lora");
  private static final INDArray IDS = Nd4j.createFromArray(new int[][] {{5, 6, 7, 8}});

  @TempDir Path temporary;

  private static INDArray golden(String name) {
    try (SafetensorsFile file = SafetensorsFile.open(FOLDER.resolve("golden.safetensors"))) {
      return file.read(name);
    }
  }

  private static void assertClose(INDArray actual, INDArray expected) {
    assertThat(actual.shape()).isEqualTo(expected.shape());
    assertThat(actual.sub(expected).amaxNumber().doubleValue()).isLessThan(1e-4);
  }

  @Test
  void matchesTheReferenceLaidOverAndMerged() {
    try (CausalLm lm = CausalLm.load(GOLDEN.resolve("llama"))) {
      INDArray plain = lm.logits(golden("input_ids"));
      LoraAdapter adapter = LoraAdapter.load(FOLDER, lm, "a");
      try (CausalLm over = lm.with(adapter.over(1))) {
        assertClose(over.logits(golden("input_ids")), golden("logits"));
      }
      assertThat(lm.logits(golden("input_ids"))).isEqualTo(plain); // off in graphs without it
      adapter.merge(1);
      String weight = "model.layers.0.self_attn.q_proj.weight";
      assertClose(lm.parameters().get(weight), golden("merged.q_proj.0"));
      assertClose(lm.logits(golden("input_ids")), golden("logits"));
      assertThatThrownBy(() -> adapter.merge(1)).isInstanceOf(IllegalStateException.class);
      adapter.unmerge();
      assertClose(lm.logits(golden("input_ids")), plain);
    }
  }

  @Test
  void savedAdaptersAreReadBack() {
    try (CausalLm lm = CausalLm.load(GOLDEN.resolve("llama"))) {
      LoraAdapter.load(FOLDER, lm, "a").save(temporary);
      LoraAdapter again = LoraAdapter.load(temporary, lm, "b");
      try (CausalLm over = lm.with(again.over(1))) {
        assertClose(over.logits(golden("input_ids")), golden("logits"));
      }
      assertThat(Jsons.readObject(temporary.resolve("adapter_config.json")))
          .isEqualTo(Jsons.readObject(FOLDER.resolve("adapter_config.json")));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"gpt2", "phi3", "phi"})
  void freshAdaptersTrainMergeAndSave(String family) {
    try (CausalLm lm = CausalLm.load(GOLDEN.resolve(family))) {
      INDArray plain = lm.logits(IDS);
      Lora lora = new Lora(3, 6, 0, true);
      LoraAdapter adapter = LoraAdapter.create(lm, "new", lora, Predicates.regex(".*(attn|mlp).*"));
      try (CausalLm over = lm.with(adapter.over(1))) {
        assertClose(over.logits(IDS), plain);
        Graph g = new Graph(over.parameters(), true);
        SDVariable loss = over.loss(g, g.placeholder("ids", DataType.INT, 1, 4), null, null);
        List<String> names = adapter.parameterNames();
        List<SDVariable> wrt = names.stream().map(g::variable).toList();
        List<SDVariable> gradients = Gradients.of(g, loss, wrt);
        try (Plan plan = Plan.compile(g, gradients)) {
          plan.run(Map.of("ids", IDS));
          for (int i = 0; i < names.size(); i++) {
            over.parameters().get(names.get(i)).subi(plan.output(gradients.get(i)).mul(5));
          }
        }
        INDArray trained = over.logits(IDS);
        assertThat(trained.sub(plain).amaxNumber().doubleValue()).isGreaterThan(1e-3);
        adapter.save(temporary);
        LoraAdapter again = LoraAdapter.load(temporary, lm, "again");
        try (CausalLm other = lm.with(again.over(1));
            CausalLm both = lm.with(adapter.over(again.over(-1), 1))) {
          assertClose(other.logits(IDS), trained);
          assertClose(both.logits(IDS), plain);
        }
        adapter.merge(1);
        assertClose(lm.logits(IDS), trained);
      }
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          peft_type | "LOHA" | peft_type must be LORA
          use_dora | true | use_dora
          bias | "all" | bias
          target_modules | ".*_proj" | target_modules names model.layers.0.self_attn.k_proj
          target_modules | "(" | ( is no regular expression
          target_modules | 3 | target_modules must be
          r | 5 | the rank of model.layers.0.mlp.down_proj is 5 here
          rank_pattern | {"q_proj": 3} | the rank of model.layers.0.self_attn.q_proj is 3 here
          init_lora_weights | "pissa" | pissa changes the base model
          lora_alpha | "x" | lora_alpha must be a number
          """)
  void whatIsNotSupportedIsNamed(String key, String value, String message) throws IOException {
    Files.copy(
        FOLDER.resolve("adapter_model.safetensors"),
        temporary.resolve("adapter_model.safetensors"));
    ObjectNode json = Jsons.readObject(FOLDER.resolve("adapter_config.json"));
    json.set(key, new com.fasterxml.jackson.databind.ObjectMapper().readTree(value));
    Jsons.write(temporary.resolve("adapter_config.json"), json);
    try (CausalLm lm = CausalLm.load(GOLDEN.resolve("llama"))) {
      assertThatThrownBy(() -> LoraAdapter.load(temporary, lm, "a"))
          .isInstanceOf(InputException.class)
          .hasMessageContaining(message);
    }
  }

  @Test
  void anotherModelIsRefused() {
    try (CausalLm lm = CausalLm.load(GOLDEN.resolve("gpt2"))) {
      assertThatThrownBy(() -> LoraAdapter.load(FOLDER, lm, "a"))
          .isInstanceOf(InputException.class)
          .hasMessageContaining("the base model has no linear map");
    }
    LmConfig other = LmConfig.llama(99, 16, 2, 4, 2, 48, 64);
    try (CausalLm lm = CausalLm.create(other, 1)) {
      assertThatThrownBy(() -> LoraAdapter.load(FOLDER, lm, "a"))
          .isInstanceOf(InputException.class)
          .hasMessageContaining("wrong shape");
      assertThatThrownBy(() -> LoraAdapter.create(lm, "n", Lora.of(2, 4), Predicates.names("none")))
          .isInstanceOf(IllegalArgumentException.class);
      assertThat(LoraAdapters.NONE.isEmpty()).isTrue();
    }
  }
}

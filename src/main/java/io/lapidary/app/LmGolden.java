package io.lapidary.app;

import io.lapidary.InputException;
import io.lapidary.engine.Gradients;
import io.lapidary.engine.Graph;
import io.lapidary.engine.Plan;
import io.lapidary.model.CausalLm;
import io.lapidary.model.GenerateOptions;
import io.lapidary.model.Generator;
import io.lapidary.model.LoraAdapter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** Logits, states, greedy text, loss and gradients of a language model, or logits of an adapter. */
final class LmGolden implements GoldenFamily {
  private static final String IDS = "input_ids";
  private static final String LONG_IDS = "input_ids_long";
  private static final String MASK = "attention_mask_left_padded";
  private static final String PADDED = "logits_left_padded";
  private static final String GRADIENT = "grad.";
  private static final String MERGED = "merged.";

  private final Path base;

  /** For a model; for an adapter over the model in {@code base} when that is not null. */
  LmGolden(Path base) {
    this.base = base;
  }

  @Override
  public Set<String> inputs() {
    return Set.of(IDS, LONG_IDS, MASK);
  }

  @Override
  public Map<String, INDArray> outputs(Path folder, Map<String, INDArray> golden) {
    INDArray ids = golden.get(IDS);
    if (ids == null) {
      throw new InputException(folder + ": the golden file lacks the input " + IDS);
    }
    Map<String, INDArray> outputs = new LinkedHashMap<>();
    try (CausalLm lm = CausalLm.load(base == null ? folder : base)) {
      if (base != null) {
        LoraAdapter adapter = LoraAdapter.load(folder, lm, "adapter");
        try (CausalLm over = lm.with(adapter.applied())) {
          outputs.put("logits", over.logits(ids));
        }
        if (!adapter.replacesTensors()) {
          adapter.merge(1);
        }
        merged(lm, golden, outputs);
        return outputs;
      }
      outputs.put("logits", lm.logits(ids));
      List<INDArray> states = lm.hiddenStates(ids, null);
      for (int i = 0; i < states.size(); i++) {
        outputs.put("hidden_states." + i, states.get(i));
      }
      if (golden.containsKey(MASK) && golden.containsKey(PADDED)) {
        outputs.put(PADDED, padded(lm, ids, golden.get(MASK), golden.get(PADDED)));
      }
      if (golden.containsKey(LONG_IDS)) {
        outputs.put("logits_long", lm.logits(golden.get(LONG_IDS)));
      }
      if (golden.containsKey("greedy_ids")) {
        outputs.put("greedy_ids", greedy(lm, ids, golden.get("greedy_ids")));
      }
      loss(lm, ids, golden, outputs);
    }
    return outputs;
  }

  /** Logits at padding mean nothing, so the expected ones stand there. */
  private static INDArray padded(CausalLm lm, INDArray ids, INDArray mask, INDArray expected) {
    INDArray logits = lm.logits(ids, mask);
    if (Arrays.equals(logits.shape(), expected.shape())) {
      for (int i = 0; i < mask.size(0); i++) {
        for (int j = 0; j < mask.size(1); j++) {
          if (mask.getInt(i, j) == 0) {
            logits
                .get(NDArrayIndex.point(i), NDArrayIndex.point(j), NDArrayIndex.all())
                .assign(
                    expected.get(NDArrayIndex.point(i), NDArrayIndex.point(j), NDArrayIndex.all()));
          }
        }
      }
    }
    return logits;
  }

  private static INDArray greedy(CausalLm lm, INDArray ids, INDArray expected) {
    int[] prompt = ids.get(NDArrayIndex.point(0), NDArrayIndex.all()).dup('c').data().asInt();
    int count = Math.toIntExact(expected.length()) - prompt.length;
    try (Generator generator = new Generator(lm)) {
      int[] added =
          generator
              .generate(List.of(prompt), GenerateOptions.greedy(Math.max(1, count)))
              .get(0)
              .ids();
      int[] all = Arrays.copyOf(prompt, prompt.length + added.length);
      System.arraycopy(added, 0, all, prompt.length, added.length);
      return org.nd4j.linalg.factory.Nd4j.createFromArray(new int[][] {all});
    }
  }

  private static void loss(
      CausalLm lm, INDArray ids, Map<String, INDArray> golden, Map<String, INDArray> outputs) {
    List<String> names =
        golden.keySet().stream()
            .filter(n -> n.startsWith(GRADIENT))
            .map(n -> n.substring(GRADIENT.length()))
            .filter(lm.weightNames()::contains)
            .toList();
    Graph g = new Graph(lm.parameters(), false);
    SDVariable loss = lm.loss(g, g.placeholder(IDS, DataType.INT, ids.shape()), null, null);
    List<SDVariable> wrt = names.stream().map(g::variable).toList();
    List<SDVariable> gradients = names.isEmpty() ? List.of() : Gradients.of(g, loss, wrt);
    List<SDVariable> wanted = new ArrayList<>(gradients);
    wanted.add(loss);
    try (Plan plan = Plan.compile(g, wanted)) {
      plan.run(Map.of(IDS, ids));
      outputs.put("lm_loss", plan.output(loss).dup('c').reshape(1));
      for (int i = 0; i < names.size(); i++) {
        outputs.put(GRADIENT + names.get(i), plan.output(gradients.get(i)).dup('c'));
      }
    }
  }

  /** {@code merged.q_proj.0}: the weight of that map in block 0. */
  private static void merged(
      CausalLm lm, Map<String, INDArray> golden, Map<String, INDArray> outputs) {
    for (String name : golden.keySet()) {
      String[] parts = name.split("\\.");
      if (name.startsWith(MERGED) && parts.length == 3) {
        lm.weightNames().stream()
            .filter(w -> w.contains("." + parts[2] + ".") && w.endsWith("." + parts[1] + ".weight"))
            .findFirst()
            .ifPresent(w -> outputs.put(name, lm.parameters().get(w).dup('c')));
      }
    }
  }
}

package io.lapidary.app.bench;

import io.lapidary.InputException;
import io.lapidary.engine.stock.StockAutoencoder;
import io.lapidary.engine.stock.StockGpt;
import io.lapidary.engine.stock.StockModel;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The workloads by name, in the sizes that are timed. */
final class Catalog {
  private static final Map<String, Workload> WORKLOADS = workloads();

  private static final Map<String, StockModel> STOCK =
      Map.of(
          "sae_step", new StockAutoencoder(512, 4096, 2048),
          "gpt_step", new StockGpt(1000, 64, 128, 4, 4, 512, 16));

  /** Workloads that are timed when they are named. */
  private static final Map<String, Workload> OTHERS =
      Map.of(
          "sae_topk", new DictionaryStep(false, 512, 4096, 4096),
          "sae_matryoshka", new DictionaryStep(true, 512, 4096, 4096),
          "vit_b16_embed", new VitEmbed(224, 16, 768, 12, 12, 3072, 8),
          "sae_topk_large", new DictionaryStep(false, 768, 16384, 4096),
          "sae_matryoshka_large", new DictionaryStep(true, 768, 16384, 4096));

  private Catalog() {}

  private static Map<String, Workload> workloads() {
    Map<String, Workload> all = new LinkedHashMap<>();
    all.put("gemm", new Gemm(2048, 512, 4096));
    all.put("sae_step", new SparseAutoencoderStep(512, 4096, 2048));
    all.put("gpt_step", gpt(Gpt.Scope.ALL));
    all.put("gpt_forward", gpt(Gpt.Scope.NONE));
    all.put("vit_embed", new VitEmbed(32, 4, 192, 3, 6, 768, 64));
    all.put("convnet_step", new ConvNetStep(32, 128, 3, 10, 64));
    all.put("lora_step", new LoraStep(4000, 128, 256, 4, 6, 688, 8, 8));
    return Collections.unmodifiableMap(all);
  }

  /** The GPT of {@code gpt_step}, trained in part. */
  static Workload gpt(Gpt.Scope scope) {
    return new Gpt(1000, 64, 128, 4, 4, 512, 16, scope);
  }

  /** Steps of the GPT whose one size grows, by a label such as {@code context=256}. */
  static Map<String, Workload> growth() {
    Map<String, Workload> all = new LinkedHashMap<>();
    for (int context : new int[] {64, 128, 256, 512, 1024}) {
      all.put("context=" + context, new Gpt(1000, context, 128, 4, 4, 512, 2, Gpt.Scope.ALL));
    }
    for (int width : new int[] {64, 128, 256, 512, 1024}) {
      all.put(
          "width=" + width, new Gpt(1000, 64, width, width / 32, 4, 4 * width, 4, Gpt.Scope.ALL));
    }
    for (int batch : new int[] {1, 4, 16, 64, 256}) {
      all.put("batch=" + batch, new Gpt(1000, 64, 128, 4, 4, 512, batch, Gpt.Scope.ALL));
    }
    return Collections.unmodifiableMap(all);
  }

  /** Names of all workloads. */
  static List<String> names() {
    return List.copyOf(WORKLOADS.keySet());
  }

  /** The workload of a name. */
  static Workload workload(String name) {
    Workload workload = WORKLOADS.getOrDefault(name, OTHERS.get(name));
    if (workload == null) {
      throw InputException.of(
          "there is no workload %s; choose from %s, %s",
          name,
          String.join(", ", names()),
          String.join(", ", OTHERS.keySet().stream().sorted().toList()));
    }
    return workload;
  }

  /** Whether the workload exists in plain SameDiff too. */
  static boolean hasStock(String name) {
    return STOCK.containsKey(name);
  }

  /** The workload in plain SameDiff. */
  static StockModel stock(String name) {
    StockModel model = STOCK.get(name);
    if (model == null) {
      throw InputException.of(
          "%s has no version in plain SameDiff; leave out --stock, or choose from %s",
          name, String.join(", ", names().stream().filter(Catalog::hasStock).toList()));
    }
    return model;
  }
}

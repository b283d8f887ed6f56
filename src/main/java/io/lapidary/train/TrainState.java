package io.lapidary.train;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.lapidary.Check;
import io.lapidary.InputException;
import io.lapidary.io.Jsons;
import java.util.Iterator;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * Where training stands, as {@code trainer.json} of a checkpoint.
 *
 * @param version of this format
 * @param step optimizer steps taken
 * @param epoch epoch of the next batch
 * @param batch number within that epoch of the next batch
 * @param batchesPerEpoch of the batch source; −1 when unknown
 * @param elapsedSeconds training time so far, over all parts of the run
 * @param best best value of the monitored metric; null before the first
 * @param bestStep its step; null before the first
 * @param withoutGain evaluations in a row without a gain
 * @param finished why the run ended; null while it goes on
 * @param config the training configuration
 * @param identity what else must be equal for a resumed run, such as the model's configuration
 * @param files size in bytes of the other files of the checkpoint
 */
public record TrainState(
    int version,
    long step,
    long epoch,
    int batch,
    int batchesPerEpoch,
    double elapsedSeconds,
    Double best,
    Long bestStep,
    int withoutGain,
    TrainResult.Reason finished,
    ObjectNode config,
    JsonNode identity,
    Map<String, Long> files) {
  static final int VERSION = 1;

  // what may change on the way without changing the numbers
  private static final Set<String> FREE =
      Set.of("logEvery", "checkpointEvery", "keep", "recompute");

  /** Checks version and ranges. */
  public TrainState {
    Check.that(version == VERSION, "version must be %d, got %d", VERSION, version);
    Check.notNegative("step", step);
    Check.notNegative("epoch", epoch);
    Check.notNegative("batch", batch);
    Check.present("config", config);
    Check.present("files", files);
  }

  /**
   * Requires that a resumed run has the configuration of the run that wrote this state.
   *
   * @throws InputException naming the first key that differs
   */
  void requireSame(ObjectNode nowConfig, JsonNode nowIdentity, int nowBatches, String place) {
    compare(leaves(config), leaves(nowConfig), place, "training configuration");
    compare(leaves(identity), leaves(nowIdentity), place, "model or data configuration");
    if (batchesPerEpoch != nowBatches) {
      throw differs(place, "batches per epoch", "" + batchesPerEpoch, "" + nowBatches);
    }
  }

  private static void compare(
      Map<String, String> then, Map<String, String> now, String place, String what) {
    Map<String, String> all = new TreeMap<>(then);
    all.putAll(now);
    for (String key : all.keySet()) {
      String before = then.getOrDefault(key, "nothing");
      String after = now.getOrDefault(key, "nothing");
      if (!FREE.contains(key) && !before.equals(after)) {
        throw differs(place, what + ": " + key, before, after);
      }
    }
  }

  private static InputException differs(String place, String key, String then, String now) {
    return InputException.of(
        "%s: the run cannot go on with another %s: it was started with %s, now it is %s; set it"
            + " back or start in another folder",
        place, key, then, now);
  }

  private static Map<String, String> leaves(JsonNode tree) {
    Map<String, String> leaves = new TreeMap<>();
    // through text, so that numbers compare as they are written
    collect(leaves, "", tree == null ? Jsons.object() : tree);
    return leaves;
  }

  private static void collect(Map<String, String> leaves, String path, JsonNode node) {
    if (node.isObject()) {
      for (Iterator<Map.Entry<String, JsonNode>> it = node.fields(); it.hasNext(); ) {
        Map.Entry<String, JsonNode> field = it.next();
        collect(
            leaves,
            path.isEmpty() ? field.getKey() : path + "." + field.getKey(),
            field.getValue());
      }
    } else if (node.isArray()) {
      for (int i = 0; i < node.size(); i++) {
        collect(leaves, path + "[" + i + "]", node.get(i));
      }
    } else if (!node.isNull()) {
      leaves.put(path, node.asText());
    }
  }
}

package io.lapidary.method.clip;

import io.lapidary.data.EmojiDataset;
import io.lapidary.train.Checkpoints;
import io.lapidary.train.TrainResult;
import io.lapidary.train.TrainingTask;
import java.nio.file.Path;

/**
 * Trains the model that the experiment judges, and saves it with its tokenizer as {@code model} in
 * the run folder: that of the best checkpoint where one is monitored, the moving average where one
 * is kept. The key {@code checkpoint} of the configuration is not used.
 */
public final class EmojiClipTask implements TrainingTask<EmojiClipConfig> {
  @Override
  public String name() {
    return "emoji-clip";
  }

  @Override
  public String description() {
    return "CLIP on emoji: an image and a text tower from pictures and their names";
  }

  @Override
  public Class<EmojiClipConfig> configType() {
    return EmojiClipConfig.class;
  }

  @Override
  public Outcome train(EmojiClipConfig config, Run run) {
    EmojiWorld world = EmojiWorld.of(EmojiDataset.open(), config.data());
    Path folder = run.folder().resolve("model");
    try (EmojiClip model = EmojiClip.fresh(config, world, run.seeds(), folder)) {
      TrainResult result =
          run.apply(model.trainer(config, world, run.seeds()).identity(config)).build().run();
      if (result.reason() == TrainResult.Reason.STOPPED) {
        return new Outcome(result, null);
      }
      Path best =
          result.bestCheckpoint() == null ? result.latestCheckpoint() : result.bestCheckpoint();
      Checkpoints.load(best, model.clip().parameters(), true);
      model.save(folder);
      return new Outcome(result, folder);
    }
  }
}

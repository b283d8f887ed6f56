package io.lapidary.train.task;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.lapidary.Seeds;
import io.lapidary.data.Augmentation;
import io.lapidary.data.BatchIterator;
import io.lapidary.data.Batches;
import io.lapidary.data.Column;
import io.lapidary.data.Emoji;
import io.lapidary.data.EmojiDataset;
import io.lapidary.data.EmojiExample;
import io.lapidary.data.EmojiSplit;
import io.lapidary.data.Normalization;
import io.lapidary.engine.Graph;
import io.lapidary.engine.Parameters;
import io.lapidary.engine.Plan;
import io.lapidary.io.CheckpointFolder;
import io.lapidary.io.Dtype;
import io.lapidary.io.Jsons;
import io.lapidary.metric.TopKAccuracy;
import io.lapidary.model.ConvNet;
import io.lapidary.train.Checkpoints;
import io.lapidary.train.Evaluator;
import io.lapidary.train.TrainResult;
import io.lapidary.train.Trainer;
import io.lapidary.train.TrainingTask;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/**
 * Trains a {@link ConvNet} to sort emoji pictures, and measures {@code test/accuracy} on concepts
 * held out. The model is saved as {@code model} in the run folder: that of the best checkpoint
 * where one is monitored, its moving average where one is kept.
 */
public final class ImageClassifierTask implements TrainingTask<ImageClassifierConfig> {
  private static final String PIXELS = "pixel_values";
  private static final String CLASS = "labels";
  private static final int SIDE = EmojiDataset.SIZE;

  @Override
  public String name() {
    return "image-classifier";
  }

  @Override
  public String description() {
    return "a ConvNet that sorts emoji pictures into categories or subcategories";
  }

  @Override
  public Class<ImageClassifierConfig> configType() {
    return ImageClassifierConfig.class;
  }

  @Override
  public Outcome train(ImageClassifierConfig config, Run run) {
    EmojiDataset data = EmojiDataset.open();
    EmojiSplit split =
        EmojiSplit.heldOut(
            data, config.data().heldOut(), new Seeds(config.data().splitSeed()), Emoji::base);
    List<String> classes =
        config.data().label() == ImageClassifierConfig.Label.CATEGORY
            ? data.categories()
            : data.subcategories();
    ConvNet net = new ConvNet(config.network().depth(), config.network().width(), classes.size());
    Parameters parameters = new Parameters(DataType.FLOAT, run.seeds().stream("weights").seed());
    Batches train =
        batches(
            config, data, chosen(config, split.train()), config.augmentation(), run.seeds(), true);
    Batches test =
        batches(
            config, data, chosen(config, split.test()), Augmentation.none(1), run.seeds(), false);
    Map<Long, Plan> plans = new HashMap<>();
    try {
      TrainResult result =
          run.apply(
                  Trainer.builder(
                          config.train(),
                          parameters,
                          (g, in) ->
                              Map.of(
                                  "class",
                                  g.ops()
                                      .crossEntropy(net.logits(g, in.get(PIXELS)), in.get(CLASS))),
                          train)
                      .features(PIXELS)
                      .labels(CLASS)
                      .evaluator(accuracy(net, parameters, test, plans))
                      .identity(config))
              .build()
              .run();
      if (result.reason() == TrainResult.Reason.STOPPED) {
        return new Outcome(result, null);
      }
      Path best =
          result.bestCheckpoint() == null ? result.latestCheckpoint() : result.bestCheckpoint();
      Checkpoints.load(best, parameters, true);
      Path folder = run.folder().resolve("model");
      CheckpointFolder.save(folder, describe(net, classes), parameters.all(), Dtype.F32);
      return new Outcome(result, folder);
    } finally {
      plans.values().forEach(Plan::close);
    }
  }

  private static List<EmojiExample> chosen(
      ImageClassifierConfig config, List<EmojiExample> examples) {
    Emoji.Vendor vendor = config.data().vendor();
    return examples.stream().filter(e -> vendor == null || e.vendor() == vendor).toList();
  }

  private static Batches batches(
      ImageClassifierConfig config,
      EmojiDataset data,
      List<EmojiExample> examples,
      Augmentation augmentation,
      Seeds seeds,
      boolean training) {
    boolean category = config.data().label() == ImageClassifierConfig.Label.CATEGORY;
    int[] labels =
        examples.stream()
            .mapToInt(e -> category ? data.category(e.emoji()) : data.subcategory(e.emoji()))
            .toArray();
    return Batches.builder(config.batchSize(), seeds.stream("batches"))
        .feature(Column.pictures(data.pictures(examples), augmentation, Normalization.SYMMETRIC))
        .label(Column.classes(labels))
        .shuffle(training)
        .dropLast(training)
        .build();
  }

  private static Evaluator accuracy(
      ConvNet net, Parameters parameters, Batches test, Map<Long, Plan> plans) {
    return (step, epoch) -> {
      TopKAccuracy accuracy = new TopKAccuracy(1);
      try (BatchIterator batches = test.epoch(0)) {
        while (batches.hasNext()) {
          MultiDataSet batch = batches.next();
          INDArray pixels = batch.getFeatures(0);
          Plan plan = plans.computeIfAbsent(pixels.size(0), n -> plan(net, parameters, n));
          INDArray logits = plan.run(Map.of(PIXELS, pixels)).values().iterator().next();
          accuracy.update(logits, batch.getLabels(0));
        }
      }
      return Map.of("test/accuracy", accuracy.value().value());
    };
  }

  private static Plan plan(ConvNet net, Parameters parameters, long batch) {
    Graph g = new Graph(parameters, false);
    SDVariable logits = net.logits(g, g.placeholder(PIXELS, batch, 3, SIDE, SIDE));
    return Plan.compile(g, logits);
  }

  private static ObjectNode describe(ConvNet net, List<String> classes) {
    ObjectNode config = Jsons.object();
    config.put("model_type", "lapidary-convnet");
    config.put("depth", net.depth()).put("width", net.width());
    config.put("image_size", SIDE).put("num_channels", 3).put("num_labels", net.classes());
    ObjectNode labels = config.putObject("id2label");
    for (int i = 0; i < classes.size(); i++) {
      labels.put(Integer.toString(i), classes.get(i));
    }
    return config;
  }
}

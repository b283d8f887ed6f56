package io.lapidary.method.sae;

import io.lapidary.Seeds;
import io.lapidary.data.Emoji;
import io.lapidary.data.EmojiDataset;
import io.lapidary.data.EmojiExample;
import io.lapidary.data.EmojiSplit;
import io.lapidary.data.Hashes;
import io.lapidary.model.sae.SparseAutoencoder;
import io.lapidary.report.Direction;
import io.lapidary.report.Figure;
import io.lapidary.train.TrainListener;
import io.lapidary.train.task.EmojiQuestion;
import io.lapidary.train.task.EmojiVlm;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Claims about steering: a latent of an autoencoder in the image tower is set to a constant, and
 * the answer of the model moves to what the latent stands for.
 */
final class SteeringPart implements AutoCloseable {
  private static final String PAPER = "section 4.4";
  private static final int EXAMPLES = 6;

  private final SaeExperimentConfig.Steering config;
  private final EmojiDataset data;
  private final Findings findings;
  private final EmojiVlm vlm;
  private final String point;
  private final SaeExperimentConfig.Variation variation;
  private final List<EmojiExample> shown; // what the model was trained on
  private final List<EmojiExample> asked; // concepts that it was not trained on
  private final List<EmojiExample> redrawn; // what it was trained on, in the other style
  private Figure examples;

  SteeringPart(
      SaeExperimentConfig.Steering config,
      SaeExperimentConfig.Variation variation,
      EmojiDataset data,
      Path home,
      Findings findings) {
    this.config = config;
    this.variation = variation;
    this.data = data;
    this.findings = findings;
    Path folder = home.resolve(config.model());
    findings.used("vision-language model", Hashes.sha256(folder.resolve("model.safetensors")));
    vlm = EmojiVlm.load(folder);
    point = vlm.model().towerBlock(vlm.model().lastReadBlock());
    EmojiSplit split =
        EmojiSplit.heldOut(data, config.heldOut(), new Seeds(config.splitSeed()), Emoji::base);
    shown = ofVendor(split.train(), config.vendor());
    asked = ofVendor(split.test(), config.vendor());
    redrawn = ofVendor(split.train(), config.vendor().other());
  }

  private static List<EmojiExample> ofVendor(List<EmojiExample> all, Emoji.Vendor vendor) {
    return all.stream().filter(e -> e.vendor() == vendor).toList();
  }

  /** One seed: an autoencoder, its best latents, and what the model says when they are set. */
  void measure(Seeds seeds, TrainListener listener) {
    TowerTokens varied =
        TowerTokens.of(
            vlm.model(),
            variation.copies() * shown.size(),
            (from, to) ->
                EmojiConcepts.varied(data, shown, variation, seeds.stream("variation"), from, to));
    TowerTokens tokens =
        TowerTokens.of(
            vlm.model(),
            shown.size(),
            (from, to) -> EmojiConcepts.pixels(data, shown.subList(from, to)));
    SparseAutoencoder sae =
        new Autoencoders(config.training(), listener)
            .batchTopK(
                varied.rows(),
                config.expansion() * tokens.width(),
                config.k(),
                seeds.stream("autoencoder"));
    LatentConcepts concepts = LatentConcepts.of(sae, tokens, data, shown);
    List<Integer> latents = concepts.best(config.latents());
    try (Steered steered = new Steered(vlm, point, sae)) {
      answers(seeds, concepts, latents, steered);
      suppression(seeds, concepts, latents, steered);
    }
  }

  private void answers(
      Seeds seeds, LatentConcepts concepts, List<Integer> latents, Steered steered) {
    SplittableRandom random = seeds.stream("controls").random();
    double moved = 0;
    double byOther = 0;
    double byDirection = 0;
    double kept = 0;
    double right = 0;
    int tried = 0;
    int images = 0;
    List<List<Figure.Picture>> rows = new ArrayList<>();
    for (int latent : latents) {
      Emoji concept = concepts.concept(latent);
      String wanted = vlm.answer(EmojiQuestion.CATEGORY, concept);
      List<EmojiExample> some = others(concept, seeds.stream("images").at(latent));
      double strength = config.strength() * concepts.most(latent);
      int other = concepts.randomActive(latent, random);
      try (INDArray pixels = EmojiVlm.pixels(data, some)) {
        List<String> plain = vlm.answers(pixels, EmojiQuestion.CATEGORY);
        List<String> rebuilt = steered.answers(pixels, change -> {});
        List<String> set = steered.answers(pixels, change -> change.replace(latent, strength));
        List<String> wrongLatent =
            steered.answers(
                pixels, change -> change.replace(other, config.strength() * concepts.most(other)));
        INDArray direction = direction(random, strength, concepts.width());
        List<String> wrongDirection =
            steered.answers(pixels, change -> change.direction(direction));
        for (int i = 0; i < some.size(); i++) {
          images++;
          kept += plain.get(i).equals(rebuilt.get(i)) ? 1 : 0;
          Emoji emoji = data.get(some.get(i).emoji());
          right += plain.get(i).equals(vlm.answer(EmojiQuestion.CATEGORY, emoji)) ? 1 : 0;
          if (!rebuilt.get(i).equals(wanted)) {
            tried++;
            moved += set.get(i).equals(wanted) ? 1 : 0;
            byOther += wrongLatent.get(i).equals(wanted) ? 1 : 0;
            byDirection += wrongDirection.get(i).equals(wanted) ? 1 : 0;
          }
        }
        if (rows.size() < EXAMPLES) {
          rows.add(SaeFigures.steered(data, some, latent, wanted, rebuilt, set));
        }
      }
    }
    findings.note("steering, right answers unsteered", right / images, images);
    findings.note("steering, answers kept by the plain reconstruction", kept / images, images);
    findings.note("steering, moved to the concept", moved / tried, tried);
    findings.note("steering, moved by a random latent", byOther / tried, tried);
    findings.note("steering, moved by a random direction", byDirection / tried, tried);
    if (examples == null) {
      examples =
          new Figure.ImageGrid(
              "Answers before and after a latent is set",
              "One latent per row; first what it stands for, then pictures of other categories:"
                  + " answer of the plain reconstruction, then with the latent set.",
              rows);
    }
  }

  /** Pictures of other categories than the concept's. */
  private List<EmojiExample> others(Emoji concept, Seeds seeds) {
    List<EmojiExample> all = new ArrayList<>();
    for (EmojiExample example : asked) {
      if (!data.get(example.emoji()).category().equals(concept.category())) {
        all.add(example);
      }
    }
    return sample(all, config.images(), seeds.random());
  }

  private static List<EmojiExample> sample(
      List<EmojiExample> all, int count, SplittableRandom random) {
    List<EmojiExample> left = new ArrayList<>(all);
    List<EmojiExample> some = new ArrayList<>();
    while (some.size() < count && !left.isEmpty()) {
      some.add(left.remove(random.nextInt(left.size())));
    }
    return some;
  }

  private static INDArray direction(SplittableRandom random, double length, int width) {
    double[] values = new double[width];
    double squares = 0;
    for (int i = 0; i < width; i++) {
      values[i] = random.nextGaussian();
      squares += values[i] * values[i];
    }
    double scale = length / Math.sqrt(squares);
    Arrays.setAll(values, i -> values[i] * scale);
    return Nd4j.createFromArray(values).castTo(DataType.FLOAT);
  }

  /** On images of the concept, how much the probability of the answer falls without the latent. */
  private void suppression(
      Seeds seeds, LatentConcepts concepts, List<Integer> latents, Steered steered) {
    SplittableRandom random = seeds.stream("suppression").random();
    double own = 0;
    double other = 0;
    int images = 0;
    for (int latent : latents) {
      Emoji concept = concepts.concept(latent);
      List<EmojiExample> some = new ArrayList<>();
      for (EmojiExample example : redrawn) {
        if (data.get(example.emoji()).subcategory().equals(concept.subcategory())) {
          some.add(example);
        }
      }
      if (some.isEmpty()) {
        continue;
      }
      int wrong = concepts.randomActive(latent, random);
      try (INDArray pixels = EmojiVlm.pixels(data, some)) {
        double before = steered.probability(pixels, concept, change -> {});
        own += before - steered.probability(pixels, concept, change -> change.ablate(latent));
        other += before - steered.probability(pixels, concept, change -> change.ablate(wrong));
      }
      images += some.size();
    }
    findings.note("suppression, fall of the answer's probability", own / latents.size(), images);
    findings.note("suppression, fall by a random latent", other / latents.size(), images);
  }

  void conclude() {
    double[] moved = findings.of("steering, moved to the concept");
    findings.claim(
        "steer-moves",
        PAPER,
        "share of pictures of other categories whose answer moves to the latent's category",
        "share",
        Direction.AT_LEAST,
        moved);
    findings.claim(
        "steer-random-latent",
        PAPER,
        "the same, as a multiple of a random latent's",
        "times",
        Direction.AT_LEAST,
        Series.ratio(moved, atLeastHalfAnAnswer("steering, moved by a random latent")));
    findings.claim(
        "steer-random-direction",
        PAPER,
        "the same, as a multiple of a random direction's of equal length",
        "times",
        Direction.AT_LEAST,
        Series.ratio(moved, atLeastHalfAnAnswer("steering, moved by a random direction")));
    findings.claim(
        "steer-keeps",
        PAPER,
        "share of answers that the autoencoder with untouched codes keeps",
        "share",
        Direction.AT_LEAST,
        findings.of("steering, answers kept by the plain reconstruction"));
    findings.claim(
        "steer-suppresses",
        PAPER,
        "pictures of the concept: the answer's probability falls more without the latent than"
            + " without a random one",
        "probability",
        Direction.ABOVE,
        Series.difference(
            findings.of("suppression, fall of the answer's probability"),
            findings.of("suppression, fall by a random latent")));
    Map<String, double[]> bars = new LinkedHashMap<>();
    bars.put("the latent", moved);
    bars.put("a random latent", findings.of("steering, moved by a random latent"));
    bars.put("a random direction", findings.of("steering, moved by a random direction"));
    findings.figure(
        Series.bars(
            "Answers moved to the concept",
            "Share of pictures of other categories, over the latents steered.",
            "share",
            List.copyOf(bars.keySet()),
            List.copyOf(bars.values())));
    findings.figure(examples);
  }

  /** A control that never moved an answer counts as having moved half of one. */
  private double[] atLeastHalfAnAnswer(String name) {
    double least = 0.5 / (config.latents() * (double) config.images());
    return Arrays.stream(findings.of(name)).map(v -> Math.max(v, least)).toArray();
  }

  @Override
  public void close() {
    vlm.close();
  }
}

package io.lapidary.method.sae;

import io.lapidary.Seeds;
import io.lapidary.data.EmojiDataset;
import io.lapidary.data.EmojiExample;
import io.lapidary.data.Hashes;
import io.lapidary.metric.ScoreSummary;
import io.lapidary.metric.TaxonomyDepth;
import io.lapidary.model.sae.SparseAutoencoder;
import io.lapidary.report.Direction;
import io.lapidary.report.Figure;
import io.lapidary.train.TrainListener;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;

/**
 * Claims on the activations of a CLIP tower: trained on one vendor's pictures, scored on the
 * other's, by the words that describe an emoji.
 */
final class EmojiPart {
  private static final String SCORES = "section 4.2";
  private static final String TREE = "section 4.3";
  private static final int FEW = 10; // images; units active on fewer may score high by chance

  private final SaeExperimentConfig.EmojiPart config;
  private final EmojiDataset data;
  private final Findings findings;
  private final List<EmojiExample> tested;
  private final double[][] words;
  private final double[][] colours;
  private final List<Hook> hooks = new ArrayList<>();
  private final List<String> curveNames = new ArrayList<>();
  private final List<double[]> curves = new ArrayList<>();
  private Figure grid;
  private Figure densities;

  /** Activations of one place in the tower. */
  private record Hook(String name, float[][] varied, ConceptSet train, ConceptSet test) {}

  EmojiPart(
      SaeExperimentConfig.EmojiPart config,
      SaeExperimentConfig.Variation variation,
      EmojiDataset data,
      Path home,
      Findings findings) {
    this.config = config;
    this.data = data;
    this.findings = findings;
    Path folder = home.resolve(config.encoder());
    findings.used("encoder", Hashes.sha256(folder.resolve("model.safetensors")));
    List<EmojiExample> trained = EmojiConcepts.examples(data, config.vendor());
    tested = EmojiConcepts.examples(data, config.vendor().other());
    words = EmojiConcepts.words(data, tested);
    colours = EmojiConcepts.colours(data, tested);
    try (TowerActivations tower = TowerActivations.load(folder)) {
      List<List<String>> paths = EmojiConcepts.paths(data, tested);
      for (TowerActivations.Place place : TowerActivations.Place.values()) {
        hooks.add(
            new Hook(
                place.name().toLowerCase(Locale.ROOT),
                tower.of(data, trained, variation, new Seeds(0).stream("variation"), place),
                new ConceptSet(tower.of(data, trained, place), words, paths),
                new ConceptSet(tower.of(data, tested, place), words, paths)));
      }
    }
  }

  void measure(Seeds seeds, TrainListener listener) {
    for (Hook hook : hooks) {
      measure(hook, seeds.stream(hook.name), listener);
    }
  }

  private void measure(Hook hook, Seeds seeds, TrainListener listener) {
    Autoencoders trainer = new Autoencoders(config.training(), listener);
    float[][] rows = hook.varied;
    int latents = config.expansion() * hook.train.width();
    String at = "emoji " + hook.name + ", ";
    boolean first = curves.size() < 3;
    note(at + "raw neurons", Trial.raw(hook.test, words), first);
    Set<Integer> ks = new TreeSet<>(config.otherK());
    ks.add(config.k());
    for (int k : ks) {
      SparseAutoencoder sae = trainer.batchTopK(rows, latents, k, seeds.stream("k").at(k));
      Trial trial = Trial.of(sae, hook.test, words);
      note(at + "k " + k, trial, first && k == config.k());
      if (k == config.k()) {
        SparseAutoencoder fresh =
            trainer.untrained(
                hook.test.activations(), latents, trial.activeUnits(), seeds.stream("fresh"));
        note(at + "untrained", Trial.of(fresh, hook.test, words), first);
        findings.note(
            at + "k " + k + ", median MS by colours",
            Trial.of(sae, hook.test, colours).median(),
            hook.test.size());
        if (grid == null) {
          grid = SaeFigures.grid(data, tested, hook.test, sae, trial);
          densities = SaeFigures.densities(trial);
        }
      }
    }
    SparseAutoencoder narrow =
        trainer.batchTopK(rows, hook.train.width(), config.k(), seeds.stream("narrow"));
    note(at + "×1", Trial.of(narrow, hook.test, words), false);
    int categories = data.categories().size();
    int kinds = data.subcategories().size();
    List<Integer> groups = List.of(categories, kinds, latents - categories - kinds);
    SparseAutoencoder nested =
        trainer.matryoshka(rows, groups, config.k(), seeds.stream("matryoshka"));
    List<TaxonomyDepth.Group> depths =
        Trial.depths(nested, hook.train, groups.stream().mapToInt(Integer::intValue).toArray());
    for (int level = 0; level < depths.size(); level++) {
      findings.note(
          at + "depth of level " + level, depths.get(level).mean(), depths.get(level).described());
    }
  }

  private void note(String name, Trial trial, boolean drawn) {
    int images = tested.size();
    findings.note(name + ", median MS", trial.median(), images);
    findings.note(name + ", best MS", trial.best(), images);
    findings.note(
        name + ", median MS of units active on " + FEW + " images or more",
        trial.medianOfActive(FEW, images),
        images);
    if (!Double.isNaN(trial.fvu())) {
      findings.note(name + ", FVU", trial.fvu(), images);
      findings.note(name + ", L0", trial.activeUnits(), images);
      long dead = ScoreSummary.of(trial.scores()).dead();
      findings.note(name + ", dead share", dead / (double) trial.scores().length, images);
    }
    if (drawn) {
      curveNames.add(name.substring(name.indexOf(", ") + 2).replace("k " + config.k(), "trained"));
      curves.add(trial.scores());
    }
  }

  void conclude() {
    for (Hook hook : hooks) {
      conclude(hook);
    }
    findings.figure(Series.sortedScores("MS of units, emoji", curveNames, curves));
    findings.figure(densities);
    findings.figure(grid);
  }

  private void conclude(Hook hook) {
    String at = "emoji " + hook.name + ", ";
    String main = at + "k " + config.k();
    String where = hook.name.equals("block") ? "last block" : "projection";
    findings.claim(
        "emoji-raw-" + hook.name,
        SCORES,
        where + ": median MS above that of the raw neurons",
        "MS",
        Direction.ABOVE,
        Series.difference(
            findings.of(main + ", median MS"), findings.of(at + "raw neurons, median MS")));
    findings.claim(
        "emoji-untrained-" + hook.name,
        SCORES,
        where + ": median MS as a multiple of an untrained autoencoder's",
        "times",
        Direction.ABOVE,
        Series.ratio(findings.of(main + ", median MS"), findings.of(at + "untrained, median MS")));
    findings.claim(
        "emoji-width-" + hook.name,
        "table 1",
        where + ": best MS above that of a dictionary as wide as its input",
        "MS",
        Direction.ABOVE,
        Series.difference(findings.of(main + ", best MS"), findings.of(at + "×1, best MS")));
    findings.claim(
        "emoji-k-scores-" + hook.name,
        "table 3",
        where + ": the more latents are active, the lower the median MS (smallest fall)",
        "MS",
        Direction.ABOVE,
        Series.smallestFall(perK(at, ", median MS")));
    findings.claim(
        "emoji-k-error-" + hook.name,
        "table 3",
        where + ": the more latents are active, the lower the error (smallest fall of FVU)",
        "FVU",
        Direction.ABOVE,
        Series.smallestFall(perK(at, ", FVU")));
    findings.claim(
        "emoji-depth-" + hook.name,
        TREE,
        where + ": the last level of a nested dictionary is deeper in the taxonomy than the first",
        "levels",
        Direction.ABOVE,
        Series.difference(
            findings.of(at + "depth of level 2"), findings.of(at + "depth of level 0")));
  }

  private List<double[]> perK(String at, String what) {
    return config.otherK().stream().map(k -> findings.of(at + "k " + k + what)).toList();
  }
}

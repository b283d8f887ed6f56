package io.lapidary.method.sae;

import io.lapidary.Seeds;
import io.lapidary.metric.TaxonomyDepth;
import io.lapidary.model.sae.SparseAutoencoder;
import io.lapidary.report.Direction;
import io.lapidary.train.TrainListener;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;

/** Claims on activations whose concepts are known. Scores are of samples not trained on. */
final class PlantedPart {
  private static final String PAPER = "sections 3.2 and 4.2";
  private static final String TREE = "section 4.3";

  private final SaeExperimentConfig.Planted config;
  private final Findings findings;
  private Trial firstTrained;
  private Trial firstUntrained;
  private Trial firstRaw;

  PlantedPart(SaeExperimentConfig.Planted config, Findings findings) {
    this.config = config;
    this.findings = findings;
  }

  void measure(Seeds seeds, TrainListener listener) {
    PlantedConcepts world = new PlantedConcepts(seeds.stream("world"));
    ConceptSet train = world.draw(config.samples(), seeds.stream("train"));
    ConceptSet test = world.draw(config.samples(), seeds.stream("test"));
    Autoencoders trainer = new Autoencoders(config.training(), listener);
    int latents = config.expansion() * train.width();
    Trial raw = Trial.raw(test, test.embeddings());
    note("planted, raw neurons", raw, test.size());
    Set<Integer> ks = new TreeSet<>(config.otherK());
    ks.add(config.k());
    for (int k : ks) {
      Trial trial = trained(trainer, train, test, latents, k, seeds);
      note(byK(k), trial, test.size());
      if (k != config.k()) {
        continue;
      }
      Trial untrained =
          Trial.of(
              trainer.untrained(
                  test.activations(), latents, trial.activeUnits(), seeds.stream("fresh")),
              test,
              test.embeddings());
      note("planted, untrained", untrained, test.size());
      if (firstTrained == null) {
        firstTrained = trial;
        firstUntrained = untrained;
        firstRaw = raw;
      }
    }
    Set<Integer> expansions = new TreeSet<>(config.otherExpansions());
    expansions.add(1);
    expansions.remove(config.expansion());
    for (int expansion : expansions) {
      Trial trial = trained(trainer, train, test, expansion * train.width(), config.k(), seeds);
      note(byExpansion(expansion), trial, test.size());
    }
    SparseAutoencoder nested =
        trainer.matryoshka(
            train.activations(), config.groups(), config.k(), seeds.stream("matryoshka"));
    List<TaxonomyDepth.Group> depths = Trial.depths(nested, train, groups());
    for (int level = 0; level < depths.size(); level++) {
      findings.note(depth(level), depths.get(level).mean(), depths.get(level).described());
    }
  }

  private int[] groups() {
    return config.groups().stream().mapToInt(Integer::intValue).toArray();
  }

  private static Trial trained(
      Autoencoders trainer, ConceptSet train, ConceptSet test, int latents, int k, Seeds seeds) {
    Seeds own = seeds.stream("batch-top-k").at(latents).at(k);
    return Trial.of(
        trainer.batchTopK(train.activations(), latents, k, own), test, test.embeddings());
  }

  private void note(String name, Trial trial, int images) {
    findings.note(name + ", median MS", trial.median(), images);
    findings.note(name + ", best MS", trial.best(), images);
    if (!Double.isNaN(trial.fvu())) {
      findings.note(name + ", FVU", trial.fvu(), images);
      findings.note(name + ", L0", trial.activeUnits(), images);
    }
  }

  private String byK(int k) {
    return String.format("planted, ×%d k %d", config.expansion(), k);
  }

  private String byExpansion(int expansion) {
    return expansion == config.expansion()
        ? byK(config.k())
        : String.format("planted, ×%d k %d", expansion, config.k());
  }

  private static String depth(int level) {
    return "planted, depth of level " + level;
  }

  void conclude() {
    String main = byK(config.k());
    findings.claim(
        "planted-untrained",
        PAPER,
        "known concepts: median MS of a trained autoencoder, as a multiple of an untrained one's",
        "times",
        Direction.AT_LEAST,
        Series.ratio(
            findings.of(main + ", median MS"), findings.of("planted, untrained, median MS")));
    findings.claim(
        "planted-raw",
        PAPER,
        "known concepts: median MS of a trained autoencoder, as a multiple of the raw neurons'",
        "times",
        Direction.AT_LEAST,
        Series.ratio(
            findings.of(main + ", median MS"), findings.of("planted, raw neurons, median MS")));
    findings.claim(
        "planted-k-scores",
        "table 3",
        "known concepts: the more latents are active, the lower the median MS (smallest fall)",
        "MS",
        Direction.ABOVE,
        Series.smallestFall(perK(", median MS")));
    findings.claim(
        "planted-k-error",
        "table 3",
        "known concepts: the more latents are active, the lower the error (smallest fall of FVU)",
        "FVU",
        Direction.ABOVE,
        Series.smallestFall(perK(", FVU")));
    List<double[]> wider = new ArrayList<>();
    config.otherExpansions().forEach(e -> wider.add(findings.of(byExpansion(e) + ", best MS")));
    findings.claim(
        "planted-width",
        "table 1",
        "known concepts: best MS of wider dictionaries above that of one as wide as its input"
            + " (least gain)",
        "MS",
        Direction.ABOVE,
        Series.leastGain(findings.of(byExpansion(1) + ", best MS"), wider));
    List<double[]> depths = new ArrayList<>();
    for (int level = 0; level < config.groups().size(); level++) {
      depths.add(findings.of(depth(level)));
    }
    findings.claim(
        "planted-depth",
        TREE,
        "known concepts: the last level of a nested dictionary is deeper in the taxonomy than the"
            + " first",
        "levels",
        Direction.AT_LEAST,
        Series.difference(depths.get(depths.size() - 1), depths.get(0)));
    findings.claimOfAll(
        "planted-depth-order",
        TREE,
        "known concepts: share of seeds in which every level is deeper than the one before",
        "share",
        Direction.AT_LEAST,
        Series.shareOfRising(depths));
    figures(depths);
  }

  private List<double[]> perK(String what) {
    return config.otherK().stream().map(k -> findings.of(byK(k) + what)).toList();
  }

  private void figures(List<double[]> depths) {
    findings.figure(
        Series.sortedScores(
            "MS of units, known concepts",
            List.of("trained", "untrained", "raw neurons"),
            List.of(firstTrained.scores(), firstUntrained.scores(), firstRaw.scores())));
    List<String> levels = new ArrayList<>();
    for (int level = 0; level < depths.size(); level++) {
      levels.add(String.format(Locale.ROOT, "level %d", level));
    }
    findings.figure(
        Series.bars(
            "Depth in the taxonomy, known concepts",
            "Mean depth at which the 16 top images of a latent still agree; 3 is one concept.",
            "depth",
            levels,
            depths));
  }
}

package io.lapidary.search;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lapidary.InputException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Searches over a function whose best point is known. */
class SearchTest {
  @TempDir private Path folder;

  private static SearchConfig config(SearchConfig.Algorithm algorithm, int trials, int parallel) {
    Map<String, ParameterRange> parameters = new LinkedHashMap<>();
    parameters.put("x", new ParameterRange(List.of(-1.0, 1.0), null, null, null));
    parameters.put("rate", new ParameterRange(null, List.of(1e-4, 1.0), null, null));
    parameters.put("layers", new ParameterRange(null, null, List.of(1, 4), null));
    parameters.put("kind", new ParameterRange(null, null, null, List.of("good", "bad")));
    return new SearchConfig(
        "train.yaml",
        parameters,
        new SearchConfig.Score("value", true),
        algorithm,
        3,
        5,
        trials,
        null,
        parallel,
        7L);
  }

  /** Best at x 0.5, rate 0.01, 3 layers, kind good. */
  private static double value(Map<String, Object> v) {
    double x = (Double) v.get("x") - 0.5;
    double rate = Math.log10((Double) v.get("rate")) + 2;
    double layers = (Integer) v.get("layers") - 3;
    return -x * x
        - 0.2 * rate * rate
        - 0.1 * layers * layers
        - (v.get("kind").equals("bad") ? 1 : 0);
  }

  private static List<TrialRecord> run(SearchConfig config, Path folder, Search.Trial trial) {
    return new Search(config, folder, trial, record -> {}).run();
  }

  private static List<Map<String, Object>> inOrder(List<TrialRecord> trials) {
    return trials.stream()
        .sorted(java.util.Comparator.comparingInt(TrialRecord::trial))
        .map(TrialRecord::values)
        .toList();
  }

  @ParameterizedTest
  @EnumSource(SearchConfig.Algorithm.class)
  void sameSeedSameTrialsBestFirst(SearchConfig.Algorithm algorithm) {
    SearchConfig config = config(algorithm, 30, 1);
    List<TrialRecord> first = run(config, folder.resolve("a"), (n, v) -> value(v));
    List<TrialRecord> second = run(config, folder.resolve("b"), (n, v) -> value(v));
    assertThat(inOrder(first)).hasSize(30).isEqualTo(inOrder(second));
    if (algorithm != SearchConfig.Algorithm.GENETIC) {
      assertThat(inOrder(first)).doesNotHaveDuplicates();
    }
    assertThat(first.stream().map(TrialRecord::score))
        .isSortedAccordingTo((a, b) -> Double.compare(b, a));
    for (TrialRecord trial : first) {
      assertThat((Double) trial.values().get("x")).isBetween(-1.0, 1.0);
      assertThat((Double) trial.values().get("rate")).isBetween(0.9e-4, 1.1);
      assertThat((Integer) trial.values().get("layers")).isBetween(1, 4);
    }
  }

  @Test
  void valuesThatComeAgainAreNotTrainedAgain() {
    AtomicInteger trained = new AtomicInteger();
    List<TrialRecord> trials =
        run(
            config(SearchConfig.Algorithm.GENETIC, 60, 1),
            folder,
            (n, v) -> {
              trained.incrementAndGet();
              return value(v);
            });
    assertThat(trials).hasSize(60);
    assertThat(trained.get())
        .isEqualTo((int) inOrder(trials).stream().distinct().count())
        .isLessThan(60);
  }

  @Test
  void geneticSearchComesNearerThanItsFirstDraws() {
    List<TrialRecord> trials =
        run(config(SearchConfig.Algorithm.GENETIC, 120, 1), folder, (n, v) -> value(v));
    double drawn =
        trials.stream()
            .filter(t -> t.trial() < 5)
            .mapToDouble(TrialRecord::score)
            .max()
            .orElseThrow();
    assertThat(trials.get(0).score()).isGreaterThan(drawn);
    assertThat(trials.get(0).score()).isGreaterThan(-0.3);
  }

  @Test
  void aGridHasAllCombinations() {
    SearchConfig config = config(SearchConfig.Algorithm.GRID, 1000, 1);
    List<TrialRecord> trials = run(config, folder, (n, v) -> value(v));
    assertThat(inOrder(trials)).hasSize(3 * 3 * 3 * 2).doesNotHaveDuplicates();
  }

  @ParameterizedTest
  @EnumSource(SearchConfig.Algorithm.class)
  void anInterruptedSearchGoesOnWithTheSameTrials(SearchConfig.Algorithm algorithm) {
    SearchConfig config = config(algorithm, 25, 1);
    List<TrialRecord> whole = run(config, folder.resolve("whole"), (n, v) -> value(v));
    Path part = folder.resolve("part");
    Search.Trial interrupted =
        (n, v) -> {
          if (n >= 11) {
            throw new SearchStoppedException("stopped");
          }
          return value(v);
        };
    assertThatThrownBy(() -> run(config, part, interrupted)).hasMessage("stopped");
    AtomicInteger again = new AtomicInteger();
    List<TrialRecord> resumed =
        run(
            config,
            part,
            (n, v) -> {
              again.incrementAndGet();
              assertThat(n).isGreaterThanOrEqualTo(11);
              return value(v);
            });
    assertThat(again.get()).isBetween(1, 14);
    assertThat(inOrder(resumed)).isEqualTo(inOrder(whole));
  }

  @Test
  void failedTrialsAreNotedAndPassedOver() {
    List<TrialRecord> heard = new ArrayList<>();
    Search search =
        new Search(
            config(SearchConfig.Algorithm.RANDOM, 12, 2),
            folder,
            (n, v) -> {
              if (n % 3 == 0) {
                throw new IllegalStateException("does not converge");
              }
              return n % 3 == 1 ? value(v) : Double.NaN;
            },
            heard::add);
    List<TrialRecord> trials = search.run();
    assertThat(trials).hasSize(12);
    assertThat(heard).hasSize(12);
    assertThat(trials.subList(0, 4)).allMatch(t -> t.score() != null && t.failure() == null);
    assertThat(trials.subList(4, 12)).allMatch(t -> t.score() == null);
    assertThat(trials.stream().filter(t -> t.trial() % 3 == 0).map(TrialRecord::failure))
        .containsOnly("does not converge");
    assertThat(trials.stream().filter(t -> t.trial() % 3 == 2).map(TrialRecord::failure))
        .containsOnly("the score is NaN");
    assertThat(
            new Search(config(SearchConfig.Algorithm.RANDOM, 12, 1), folder, (n, v) -> 0, r -> {})
                .records())
        .hasSize(12);
  }

  @Test
  void recordsOfAnotherSearchAreNotMixed() {
    run(config(SearchConfig.Algorithm.RANDOM, 3, 1), folder, (n, v) -> value(v));
    assertThatThrownBy(
            () -> run(config(SearchConfig.Algorithm.GRID, 3, 1), folder, (n, v) -> value(v)))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("another search");
  }

  @Test
  void boundsAreChecked() {
    assertThatThrownBy(() -> new ParameterRange(null, List.of(0.0, 1.0), null, null))
        .hasMessageContaining("log")
        .hasMessageContaining("above 0");
    assertThatThrownBy(() -> new ParameterRange(List.of(2.0, 1.0), null, null, null))
        .hasMessageContaining("range");
    assertThatThrownBy(() -> new ParameterRange(null, null, null, List.of()))
        .hasMessageContaining("values");
    assertThatThrownBy(() -> new ParameterRange(null, null, List.of(1), null))
        .hasMessageContaining("integers");
    assertThatThrownBy(() -> new ParameterRange(List.of(1.0, 2.0), null, List.of(1, 2), null))
        .hasMessageContaining("exactly one");
    assertThatThrownBy(() -> config(SearchConfig.Algorithm.RANDOM, 0, 1))
        .hasMessageContaining("trials");
    assertThatThrownBy(() -> config(SearchConfig.Algorithm.RANDOM, 5, 1000))
        .hasMessageContaining("parallel");
  }
}

package io.lapidary.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ClaimsTableTest {
  @Test
  void plain() {
    String table = new ClaimsTable(Terminal.plain()).render(Results.sample("clip", "desk"));
    assertThat(table)
        .isEqualTo(
            """
            clip (desk): 3 seeds, 12.50 s
            HOLDS         R1  Beats the baseline (Table 2)                              4% [2.758, 5.242]  > 0
            FAILS*        R2  Costs one call (Sec. 4)                                   2 [1.500, inf]     <= 1
            INCONCLUSIVE  R3  Close to the teacher [no teacher at this scale]           -                  < 0.1
            1 hold, 1 fail, 1 inconclusive; * indicative only: fewer than 3 seeds were run
            """);
  }

  @ParameterizedTest
  @ValueSource(ints = {40, 60, 80, 100, 160})
  void neverWiderThanTheTerminal(int width) {
    for (boolean unicode : new boolean[] {false, true}) {
      String table =
          new ClaimsTable(new Terminal(false, width, false, unicode))
              .render(Results.sample("clip", "desk"));
      assertThat(table.lines().mapToInt(String::length).max().orElseThrow())
          .isLessThanOrEqualTo(width);
    }
  }

  @Test
  void coloursOnlyWhereUnderstood() {
    Result result = Results.sample("clip", "desk");
    assertThat(new ClaimsTable(new Terminal(true, 100, true, true)).render(result))
        .contains("\u001b[32m\u2714 HOLDS");
    assertThat(new ClaimsTable(new Terminal(true, 100, false, true)).render(result))
        .doesNotContain("\u001b");
  }

  @Test
  void controlCharactersNeverReachTheTerminal() {
    ClaimSpec spec =
        new ClaimSpec("X", "", "evil \u001b[2J\u0007 text \u2192 \u00fc", "", Direction.ABOVE, 0);
    Result sample = Results.sample("clip", "desk");
    Result result =
        new Result(
            "clip",
            "desk",
            sample.seeds(),
            java.util.List.of(spec.overSeeds(1)),
            sample.metrics(),
            sample.figures(),
            sample.provenance());
    assertThat(new ClaimsTable(Terminal.plain()).render(result))
        .doesNotContain("\u001b")
        .doesNotContain("\u0007")
        .contains("-> ?");
  }

  @Test
  void terminalFollowsTheEnvironment() {
    assertThat(Terminal.of(true, "UTF-8", Map.of("COLUMNS", "132", "TERM", "xterm")))
        .isEqualTo(new Terminal(true, 132, true, true));
    assertThat(Terminal.of(true, "US-ASCII", Map.of("NO_COLOR", "1")))
        .isEqualTo(new Terminal(true, 100, false, false));
    assertThat(Terminal.of(true, "UTF-8", Map.of("TERM", "dumb", "COLUMNS", "0")))
        .isEqualTo(new Terminal(false, 100, false, true));
    assertThat(Terminal.of(false, "UTF-8", Map.of("COLUMNS", "7")).width()).isEqualTo(40);
  }

  @Test
  void wraps() {
    assertThat(ClaimsTable.wrap("aa bbb c dddddddd", 5))
        .containsExactly("aa", "bbb c", "ddddd", "ddd");
    assertThat(ClaimsTable.wrap("", 5)).containsExactly("");
  }
}

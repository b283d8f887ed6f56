package io.lapidary.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.lapidary.InputException;
import io.lapidary.metric.MetricValue;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HtmlReportTest {
  private static final String HOSTILE = "</script><img src=x onerror=alert(1)> \"'&${7*7}<#stop>";
  @TempDir Path folder;

  @Test
  void showsClaimsFiguresMetricsAndProvenance() {
    String page = HtmlReport.render(List.of(Results.sample("clip", "desk")));
    assertThat(page)
        .contains("3 claims in 1")
        .contains(
            "<span class=\"badge holds\"><span aria-hidden=\"true\">\u2714</span> HOLDS</span>")
        .contains("<td class=\"num\">4%</td><td class=\"num\">[2.758, 5.242]</td>")
        .contains("no teacher at this scale")
        .contains("<th scope=\"row\">recall@1</th><td class=\"num\">0.432</td>")
        .contains("<td class=\"num\">3,780</td>")
        .contains("<dt>Data emoji</dt><dd>9f00</dd>")
        .contains("id=\"chart2\"")
        .contains("class=\"picture right\"")
        .contains("src=\"data:image/png;base64,iVBORw0KGgo");
  }

  @Test
  void theSameResultsGiveTheSamePage() {
    List<Result> results = List.of(Results.sample("clip", "desk"), Results.sample("sae", "quick"));
    assertThat(HtmlReport.render(results)).isEqualTo(HtmlReport.render(results));
  }

  @Test
  void nothingIsLoadedWhenViewed() {
    String page = HtmlReport.render(List.of(Results.sample("clip", "desk")));
    assertThat(page).contains("default-src 'none'");
    Matcher reference =
        Pattern.compile(
                "(?:\\s(?:src|href|action|poster|srcset)\\s*=\\s*|url\\(|@import\\s*)[\"']?([^\"'\\s>)]*)")
            .matcher(withoutScripts(page));
    int found = 0;
    while (reference.find()) {
      assertThat(reference.group(1)).matches("#.*|data:image/png;base64,.*");
      found++;
    }
    assertThat(found).isGreaterThan(3);
    assertThat(withoutScripts(page)).doesNotContain("<link").doesNotContain("<iframe");
    assertThat(page).doesNotContainPattern("<script[^>]+src");
  }

  @Test
  void hostileTextStaysText() throws IOException {
    Result sample = Results.sample("clip", "desk");
    Figure.Picture picture =
        new Figure.Picture(
            ((Figure.ImageGrid) sample.figures().get(3)).rows().get(0).get(0).png(),
            HOSTILE,
            Figure.Mark.WRONG);
    Result result =
        new Result(
            "clip",
            "desk",
            sample.seeds(),
            List.of(
                new ClaimSpec(HOSTILE, HOSTILE, HOSTILE, HOSTILE, Direction.ABOVE, 0)
                    .unmeasured(HOSTILE)),
            List.of(new MetricValue(HOSTILE, 1, HOSTILE, 1)),
            List.of(
                new Figure.LineChart(
                    HOSTILE,
                    HOSTILE,
                    HOSTILE,
                    HOSTILE,
                    false,
                    List.of(Figure.Series.of(HOSTILE, 1, 2))),
                new Figure.ImageGrid(HOSTILE, HOSTILE, List.of(List.of(picture)))),
            new Provenance(
                sample.provenance().startedAt(),
                1,
                sample.provenance().machine(),
                Map.of(HOSTILE, HOSTILE),
                Map.of(HOSTILE, HOSTILE)));
    String page = HtmlReport.render(List.of(result));
    assertThat(page).doesNotContain("<img src=x").doesNotContain(">49<").doesNotContain("&49");
    assertThat(page.split("</script>", -1)).hasSize(4);
    JsonNode charts = new ObjectMapper().readTree(chartData(page));
    assertThat(charts.get(0).get("title").textValue()).isEqualTo(HOSTILE);
    assertThat(charts.get(0).get("series").get(0).get("name").textValue()).isEqualTo(HOSTILE);
  }

  @Test
  void gapsAreNull() throws IOException {
    String page = HtmlReport.render(List.of(Results.sample("clip", "desk")));
    JsonNode charts = new ObjectMapper().readTree(chartData(page));
    assertThat(charts.size()).isEqualTo(3);
    assertThat(charts.get(0).get("type").textValue()).isEqualTo("lines");
    assertThat(charts.get(0).get("series").get(0).get("y").get(2).isNull()).isTrue();
    assertThat(charts.get(1).get("groups").get(0).get("intervals").get(0).size()).isEqualTo(2);
    assertThat(charts.get(1).get("groups").get(1).get("intervals").get(0).isNull()).isTrue();
  }

  @Test
  void noResults() {
    assertThat(HtmlReport.render(List.of())).contains("No results are stored yet");
  }

  @Test
  void pageOverStoredResults() throws IOException {
    ResultFiles.write(folder, Results.sample("clip", "desk"));
    ResultFiles.write(folder, Results.sample("sae", "quick"));
    Path page = folder.resolve("out/report.html");
    assertThat(HtmlReport.write(folder, page)).isEqualTo(2);
    assertThat(page).content().contains("<h2>clip").contains("<h2>sae");
    Files.writeString(folder.resolve("sae/results/quick.json"), "{");
    String before = Files.readString(page);
    assertThatThrownBy(() -> HtmlReport.write(folder, page)).isInstanceOf(InputException.class);
    assertThat(page).hasContent(before);
  }

  private static String withoutScripts(String page) {
    return page.replaceAll("(?s)<script.*?</script>", "");
  }

  private static String chartData(String page) {
    Matcher matcher =
        Pattern.compile("<script type=\"application/json\" id=\"charts\">(.*?)</script>")
            .matcher(page);
    assertThat(matcher.find()).isTrue();
    return matcher.group(1);
  }
}

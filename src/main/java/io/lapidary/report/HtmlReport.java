package io.lapidary.report;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import freemarker.core.HTMLOutputFormat;
import freemarker.template.Configuration;
import freemarker.template.Template;
import freemarker.template.TemplateException;
import freemarker.template.TemplateExceptionHandler;
import io.lapidary.AtomicFiles;
import java.io.IOException;
import java.io.InputStream;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * One page over results: claims with verdicts, charts, image grids, metrics and provenance. The
 * page is a single file that loads nothing when viewed, and is made from the results alone: the
 * same results give the same page.
 */
public final class HtmlReport {
  private static final String CHARTS =
      "/META-INF/resources/webjars/echarts/5.3.1/dist/echarts.min.js";

  private HtmlReport() {}

  /**
   * Reads every result below the experiments folder and writes the page in one step.
   *
   * @return how many results it shows
   * @throws io.lapidary.InputException when a result file is malformed or the page cannot be
   *     written
   */
  public static int write(Path experiments, Path page) {
    List<Result> results = ResultFiles.readAll(experiments);
    AtomicFiles.writeText(page, render(results));
    return results.size();
  }

  /** The page as text. */
  public static String render(List<Result> results) {
    PageModel model = new PageModel();
    results.forEach(model::add);
    Map<String, Object> values = new HashMap<>(model.values());
    values.put("css", resource("page.css"));
    ArrayNode charts = model.charts();
    if (!charts.isEmpty()) {
      values.put("data", scriptSafe(charts));
      values.put("echarts", resource(CHARTS));
      values.put("script", resource("page.js"));
    }
    Configuration configuration = new Configuration(Configuration.VERSION_2_3_33);
    configuration.setOutputFormat(HTMLOutputFormat.INSTANCE);
    configuration.setRecognizeStandardFileExtensions(true);
    configuration.setTemplateExceptionHandler(TemplateExceptionHandler.RETHROW_HANDLER);
    configuration.setLogTemplateExceptions(false);
    configuration.setLocale(Locale.ROOT);
    configuration.setNumberFormat("computer");
    StringWriter out = new StringWriter();
    try {
      new Template("page.ftlh", resource("page.ftlh"), configuration).process(values, out);
    } catch (IOException | TemplateException e) {
      throw new IllegalStateException("the report page cannot be made: " + e.getMessage(), e);
    }
    return out.toString();
  }

  /** JSON that cannot end the script element it stands in, whatever its strings hold. */
  private static String scriptSafe(ArrayNode charts) {
    try {
      return ResultFiles.mapper()
          .writeValueAsString(charts)
          .replace("<", "\\u003c")
          .replace(">", "\\u003e")
          .replace("&", "\\u0026")
          .replace("\u2028", "\\u2028")
          .replace("\u2029", "\\u2029");
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("chart data cannot be written: " + e.getMessage(), e);
    }
  }

  static ObjectNode chart(String id, Figure figure) {
    ObjectNode node = ResultFiles.mapper().valueToTree(figure);
    node.put("id", id);
    return node;
  }

  private static String resource(String name) {
    try (InputStream in = HtmlReport.class.getResourceAsStream(name)) {
      if (in == null) {
        throw new IllegalStateException(name + " is not on the class path; build again");
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}

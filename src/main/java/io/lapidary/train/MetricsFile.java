package io.lapidary.train;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.lapidary.AtomicFiles;
import io.lapidary.InputException;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;

/**
 * {@code metrics.jsonl} of a run: one JSON object per line, either of a step ({@code step, epoch,
 * losses, lr, gradNorm, examplesPerSecond, elapsedSeconds}) or of an evaluation ({@code step,
 * epoch, evaluation, best}). A resumed run first drops the lines after its checkpoint.
 */
final class MetricsFile implements TrainListener {
  static final String NAME = "metrics.jsonl";
  private static final ObjectMapper MAPPER = JsonMapper.builder().build();

  private final Path file;
  private final TrainConfig config;
  private BufferedWriter writer;
  private long totalSteps;

  MetricsFile(Path run, TrainConfig config) {
    this.file = run.resolve(NAME);
    this.config = config;
  }

  @Override
  public void started(long firstStep, long total) {
    totalSteps = total;
    try {
      keepUpTo(firstStep);
      writer =
          Files.newBufferedWriter(
              file, StandardCharsets.UTF_8, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    } catch (IOException e) {
      throw unwritable(e);
    }
  }

  private void keepUpTo(long step) throws IOException {
    if (!Files.exists(file)) {
      return;
    }
    StringBuilder kept = new StringBuilder();
    if (step > 0) {
      List<String> lines = Files.readAllLines(file, StandardCharsets.UTF_8);
      lines.stream().filter(line -> stepOf(line) <= step).forEach(l -> kept.append(l).append('\n'));
    }
    AtomicFiles.writeText(file, kept.toString());
  }

  private static long stepOf(String line) {
    try {
      JsonNode step = MAPPER.readTree(line).path("step");
      return step.isIntegralNumber() ? step.asLong() : Long.MAX_VALUE;
    } catch (JsonProcessingException e) {
      return Long.MAX_VALUE; // cut off by a crash
    }
  }

  @Override
  public void stepped(Step step) {
    if (!isLogged(step.step(), config, totalSteps)) {
      return;
    }
    ObjectNode line = MAPPER.createObjectNode();
    line.put("step", step.step()).put("epoch", step.epoch());
    line.set("losses", MAPPER.valueToTree(step.losses()));
    line.put("lr", step.learningRate()).put("gradNorm", step.gradientNorm());
    line.put("examplesPerSecond", step.examplesPerSecond());
    line.put("elapsedSeconds", step.elapsedSeconds());
    write(line);
  }

  /** Whether a step gets a line: the first, the last and every n-th. */
  static boolean isLogged(long step, TrainConfig config, long totalSteps) {
    return step == 1 || step % config.logEvery() == 0 || step == totalSteps;
  }

  @Override
  public void evaluated(long step, long epoch, Map<String, Double> metrics, boolean best) {
    ObjectNode line = MAPPER.createObjectNode();
    line.put("step", step).put("epoch", epoch);
    line.set("evaluation", MAPPER.valueToTree(metrics));
    line.put("best", best);
    write(line);
  }

  private void write(ObjectNode line) {
    try {
      writer.write(line.toString());
      writer.write('\n');
      writer.flush();
    } catch (IOException e) {
      throw unwritable(e);
    }
  }

  private InputException unwritable(IOException e) {
    return new InputException(
        String.format(
            "%s: cannot be written (%s); free space or choose a folder that can be written",
            file, AtomicFiles.reason(e)),
        e);
  }

  @Override
  public void closed() {
    if (writer != null) {
      try {
        writer.close();
      } catch (IOException e) {
        // every line was flushed
      }
      writer = null;
    }
  }
}

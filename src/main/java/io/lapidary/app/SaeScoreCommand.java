package io.lapidary.app;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.lapidary.InputException;
import io.lapidary.io.Jsons;
import io.lapidary.io.SafetensorsFile;
import io.lapidary.io.TensorRows;
import io.lapidary.metric.LatentActivity;
import io.lapidary.metric.Monosemanticity;
import io.lapidary.metric.ScoreSummary;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code lapidary sae score}: how single-concept every latent is. */
@Command(
    name = "score",
    description = {
      "MonoSemanticity score of every latent: the mean cosine of the embeddings of all pairs of",
      "images, weighted by the latent's activations. The embeddings must come from another encoder",
      "than the one that is analysed."
    },
    footer = {
      "",
      "Example:",
      "  lapidary sae score --codes codes.safetensors --embeddings embeddings.safetensors"
    })
final class SaeScoreCommand implements Callable<Integer> {
  private static final int ENOUGH_IMAGES = 10;

  @Option(
      names = "--codes",
      required = true,
      paramLabel = "FILE",
      description = "Safetensors file with tensor codes [images, latents].")
  private Path codes;

  @Option(
      names = "--embeddings",
      required = true,
      paramLabel = "FILE",
      description = "Safetensors file with tensor embeddings [images, width], in the same order.")
  private Path embeddings;

  @Option(
      names = "--top",
      paramLabel = "N",
      defaultValue = "10",
      description = "Best and worst latents shown; 10 unless given.")
  private int top;

  @Option(
      names = "--json",
      description = "Print an array with latent, ms (null when dead) and density of every latent.")
  private boolean json;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    if (top < 0) {
      throw new ParameterException(spec.commandLine(), "--top must be at least 0, got " + top);
    }
    try (SafetensorsFile codesFile = SafetensorsFile.open(codes);
        SafetensorsFile embeddingsFile = SafetensorsFile.open(embeddings)) {
      TensorRows code = TensorRows.of(codesFile, "codes");
      TensorRows embedding = TensorRows.of(embeddingsFile, "embeddings");
      requireSameImages(code, embedding);
      LatentActivity activity = activity(code);
      double[] scores = scores(code, embedding, activity);
      if (json) {
        printJson(scores, activity);
      } else {
        print(scores, activity);
      }
    }
    return 0;
  }

  private static void requireSameImages(TensorRows code, TensorRows embedding) {
    if (code.rows() != embedding.rows()) {
      throw InputException.of(
          "%s has %d rows but %s has %d; row n of both must be of the same image",
          code.source(), code.rows(), embedding.source(), embedding.rows());
    }
    if (code.rows() < 2) {
      throw InputException.of(
          "%s has one row; the score compares pairs and needs at least 2 images", code.source());
    }
  }

  private static LatentActivity activity(TensorRows code) {
    LatentActivity activity = new LatentActivity(code.columns());
    for (int from = 0; from < code.rows(); from += code.rowsPerBlock()) {
      int count = Math.min(code.rowsPerBlock(), code.rows() - from);
      activity.update(code.read(from, count), count);
    }
    return activity;
  }

  private static double[] scores(TensorRows code, TensorRows embedding, LatentActivity activity) {
    Monosemanticity score = new Monosemanticity(activity, embedding.columns());
    int block = Math.min(code.rowsPerBlock(), embedding.rowsPerBlock());
    for (int from = 0; from < code.rows(); from += block) {
      int count = Math.min(block, code.rows() - from);
      double[] vectors = embedding.read(from, count);
      requireDirections(embedding, vectors, from, count);
      score.update(code.read(from, count), vectors, count);
    }
    return score.scores();
  }

  private static void requireDirections(
      TensorRows embedding, double[] vectors, int from, int count) {
    int width = embedding.columns();
    for (int row = 0; row < count; row++) {
      int at = row * width;
      while (at < (row + 1) * width && vectors[at] == 0) {
        at++;
      }
      if (at == (row + 1) * width) {
        throw InputException.of(
            "%s: row %d is all 0 and has no direction; leave this image out of both files",
            embedding.source(), from + row);
      }
    }
  }

  private void printJson(double[] scores, LatentActivity activity) {
    PrintWriter out = spec.commandLine().getOut();
    for (int latent = 0; latent < scores.length; latent++) {
      ObjectNode line = Jsons.object().put("latent", latent);
      if (Double.isNaN(scores[latent])) {
        line.putNull("ms");
      } else {
        line.put("ms", scores[latent]);
      }
      line.put("density", activity.density(latent));
      out.print((latent == 0 ? "[" : ",\n ") + line);
    }
    out.println("]");
  }

  private void print(double[] scores, LatentActivity activity) {
    PrintWriter out = spec.commandLine().getOut();
    out.printf(
        Locale.ROOT,
        "%d images, %d latents, %.2f active per image%n",
        activity.rows(),
        activity.latents(),
        activity.l0().value());
    ScoreSummary all = ScoreSummary.of(scores);
    print("all latents", all);
    print(
        "active on " + ENOUGH_IMAGES + " images or more",
        ScoreSummary.of(scores, latent -> activity.active(latent) >= ENOUGH_IMAGES));
    print("best", all.best(top), scores, activity);
    print("worst", all.worst(top), scores, activity);
  }

  private void print(String which, ScoreSummary summary) {
    PrintWriter out = spec.commandLine().getOut();
    int scored = summary.total() - summary.dead();
    out.printf("%s: %d scored, %d dead", which, scored, summary.dead());
    if (scored > 0) {
      out.printf(Locale.ROOT, "; MS mean %.4f", summary.mean());
      if (scored > 1) {
        out.printf(Locale.ROOT, " +- %.4f", summary.sd());
      }
      out.printf(Locale.ROOT, ", median %.4f", summary.median());
    }
    out.println();
  }

  private void print(String which, List<Integer> latents, double[] scores, LatentActivity active) {
    if (latents.isEmpty()) {
      return;
    }
    PrintWriter out = spec.commandLine().getOut();
    out.printf("%n%-8s %8s %9s%n", which, "MS", "density");
    for (int latent : latents) {
      out.printf(Locale.ROOT, "%-8d %8.4f %9.5f%n", latent, scores[latent], active.density(latent));
    }
  }
}

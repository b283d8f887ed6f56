package io.lapidary.app;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.lapidary.AtomicFiles;
import io.lapidary.InputException;
import io.lapidary.engine.Runtime;
import io.lapidary.io.Jsons;
import io.lapidary.io.Safetensors;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code lapidary embed MODEL INPUT}: makes a vector of every line of a text or every picture. */
@Command(
    name = "embed",
    description = {
      "Makes a vector of every line of a text file, or of every picture of a folder.",
      "Pooling and scaling are those of the model; empty lines have a vector, too."
    },
    footer = {
      "",
      "Examples:",
      "  lapidary embed minilm sentences.txt --out sentences.safetensors",
      "  lapidary embed models/clip-vit-base-patch32 pictures --json"
    })
final class EmbedCommand implements Callable<Integer> {
  private static final String PICTURE = ".*\\.(png|jpe?g|gif|bmp)";
  private static final int PICTURES_AT_ONCE = 64;
  private static final String TENSOR = "embeddings";

  @Parameters(
      index = "0",
      paramLabel = "MODEL",
      description = "minilm, which comes with the program, or a model folder.")
  private String model;

  @Parameters(
      index = "1",
      paramLabel = "INPUT",
      description = "A text file with one text a line, a picture, or a folder of pictures.")
  private Path input;

  @Option(
      names = "--out",
      paramLabel = "FILE",
      description = "Write tensor embeddings [inputs, width] to this safetensors file.")
  private Path out;

  @Option(
      names = "--json",
      description = "Print one JSON object a line, with the input and its embedding.")
  private boolean json;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    List<Path> pictures = pictures(input);
    List<String> names =
        pictures.isEmpty() ? lines() : pictures.stream().map(Path::toString).toList();
    if (out != null) {
      Outputs.writable(out.toAbsolutePath().getParent());
    }
    Runtime.check();
    try (Embedder embedder = Embedder.open(model, !pictures.isEmpty());
        INDArray all = pictures.isEmpty() ? embedder.texts(names) : embed(embedder, pictures)) {
      if (out != null) {
        Safetensors.write(out, Map.of(TENSOR, all), Map.of("format", "pt"));
      }
      print(names, all);
    }
    return 0;
  }

  private void print(List<String> names, INDArray all) {
    PrintWriter to = spec.commandLine().getOut();
    if (out != null && !json) {
      to.printf("%d vectors of %d numbers in %s%n", all.size(0), all.size(1), Outputs.shown(out));
      return;
    }
    for (int row = 0; row < names.size(); row++) {
      float[] vector = all.getRow(row).dup().data().asFloat();
      if (json) {
        ObjectNode line = Jsons.object().put("input", names.get(row));
        to.println(line.set("embedding", Jsons.toTree(vector)).toString());
      } else {
        List<String> numbers = new ArrayList<>();
        for (float value : vector) {
          numbers.add(Float.toString(value));
        }
        to.println(String.join(" ", numbers));
      }
    }
  }

  private static INDArray embed(Embedder embedder, List<Path> pictures) {
    INDArray all = null;
    for (int from = 0; from < pictures.size(); from += PICTURES_AT_ONCE) {
      int to = Math.min(from + PICTURES_AT_ONCE, pictures.size());
      List<BufferedImage> images =
          pictures.subList(from, to).stream().map(EmbedCommand::decode).toList();
      try (INDArray rows = embedder.pictures(images)) {
        if (all == null) {
          long[] shape = {pictures.size(), rows.size(1)};
          all = Nd4j.createUninitialized(rows.dataType(), shape, 'c');
        }
        all.get(NDArrayIndex.interval(from, to), NDArrayIndex.all()).assign(rows);
      }
    }
    return all;
  }

  static BufferedImage decode(Path file) {
    BufferedImage image = null;
    try {
      image = ImageIO.read(file.toFile());
    } catch (IOException | RuntimeException e) { // some decoders throw others at damaged files
      throw new InputException(
          String.format("%s: not a readable picture (%s)", file, e.getMessage()), e);
    }
    if (image == null) {
      throw InputException.of("%s: not a readable picture; PNG, JPEG, GIF and BMP are read", file);
    }
    return image;
  }

  /** The pictures that the input stands for, in the order of their names; none for a text file. */
  static List<Path> pictures(Path input) {
    if (!Files.isDirectory(input)) {
      return isPicture(input) && Files.exists(input) ? List.of(input) : List.of();
    }
    try (Stream<Path> files = Files.list(input)) {
      List<Path> found =
          files
              .filter(file -> Files.isRegularFile(file) && isPicture(file))
              .sorted()
              .collect(Collectors.toList());
      if (found.isEmpty()) {
        throw InputException.of("%s: holds no pictures; PNG, JPEG, GIF and BMP are read", input);
      }
      return found;
    } catch (IOException e) {
      throw new InputException(
          String.format("%s: cannot be listed (%s)", input, AtomicFiles.reason(e)), e);
    }
  }

  private static boolean isPicture(Path file) {
    return file.getFileName().toString().toLowerCase(Locale.ROOT).matches(PICTURE);
  }

  private List<String> lines() {
    try {
      List<String> lines = Files.readAllLines(input);
      if (lines.isEmpty()) {
        throw InputException.of("%s: holds no lines; write one text a line", input);
      }
      return lines;
    } catch (CharacterCodingException e) {
      throw new InputException(input + ": not valid UTF-8 text", e);
    } catch (IOException e) {
      throw new InputException(
          String.format("%s: cannot be read (%s)", input, AtomicFiles.reason(e)), e);
    }
  }
}

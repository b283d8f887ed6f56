package io.lapidary.app;

import io.lapidary.InputException;
import io.lapidary.Seeds;
import java.util.SplittableRandom;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * Which tokens of an image become activations: the class token, the mean of all, the patches, all,
 * or some drawn uniformly with replacement from all.
 *
 * @param kind what is taken
 * @param drawn tokens drawn per image, 0 unless random
 */
record TokenChoice(Kind kind, int drawn) {

  /** Ways to choose. */
  enum Kind {
    CLASS,
    MEAN,
    PATCHES,
    ALL,
    RANDOM
  }

  /** Reads {@code class}, {@code mean}, {@code patches}, {@code all} or {@code random:K}. */
  static TokenChoice of(String text) {
    return switch (text) {
      case "class" -> new TokenChoice(Kind.CLASS, 0);
      case "mean" -> new TokenChoice(Kind.MEAN, 0);
      case "patches" -> new TokenChoice(Kind.PATCHES, 0);
      case "all" -> new TokenChoice(Kind.ALL, 0);
      default -> {
        if (!text.matches("random:[1-9][0-9]{0,5}")) {
          throw InputException.of(
              "--tokens must be class, mean, patches, all or random:K, such as random:2; found %s",
              text);
        }
        yield new TokenChoice(Kind.RANDOM, Integer.parseInt(text.substring(7)));
      }
    };
  }

  /** Activations of one image of so many tokens. */
  int rows(int tokens, boolean classToken) {
    return switch (kind) {
      case CLASS, MEAN -> 1;
      case PATCHES -> classToken ? tokens - 1 : tokens;
      case ALL -> tokens;
      case RANDOM -> drawn;
    };
  }

  /**
   * Takes the activations [B · rows, width] of images, which the caller closes.
   *
   * @param states [B, T, width], the class token first where there is one
   * @param first number of the first image in the data set: what is drawn depends on it and the
   *     seeds only
   */
  INDArray take(INDArray states, boolean classToken, int first, Seeds seeds) {
    long width = states.size(2);
    return switch (kind) {
      case CLASS ->
          states.get(NDArrayIndex.all(), NDArrayIndex.point(0), NDArrayIndex.all()).dup('c');
      case MEAN -> states.mean(1);
      case ALL -> states.dup('c').reshape(-1, width);
      case PATCHES ->
          states
              .get(
                  NDArrayIndex.all(),
                  NDArrayIndex.interval(classToken ? 1 : 0, states.size(1)),
                  NDArrayIndex.all())
              .dup('c')
              .reshape(-1, width);
      case RANDOM -> draw(states, first, seeds);
    };
  }

  private INDArray draw(INDArray states, int first, Seeds seeds) {
    int images = (int) states.size(0);
    INDArray taken =
        Nd4j.createUninitialized(states.dataType(), (long) images * drawn, states.size(2));
    for (int image = 0; image < images; image++) {
      SplittableRandom random = seeds.stream("tokens").at(first + image).random();
      for (int i = 0; i < drawn; i++) {
        int token = random.nextInt((int) states.size(1));
        taken
            .getRow((long) image * drawn + i)
            .assign(
                states.get(
                    NDArrayIndex.point(image), NDArrayIndex.point(token), NDArrayIndex.all()));
      }
    }
    return taken;
  }

  @Override
  public String toString() {
    String name = kind.name().toLowerCase(java.util.Locale.ROOT);
    return kind == Kind.RANDOM ? name + ":" + drawn : name;
  }
}

package io.lapidary.method.sae;

import io.lapidary.Seeds;
import io.lapidary.data.Augmenter;
import io.lapidary.data.Emoji;
import io.lapidary.data.EmojiDataset;
import io.lapidary.data.EmojiExample;
import io.lapidary.data.Normalization;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** What is known of emoji without any model: their words, colours and place in the taxonomy. */
final class EmojiConcepts {
  private static final int BINS = 4;
  private static final float[] WHITE = {1, 1, 1};

  private EmojiConcepts() {}

  /** Base forms that both vendors drew, in one vendor's style. */
  static List<EmojiExample> examples(EmojiDataset data, Emoji.Vendor vendor) {
    return data.all().stream()
        .filter(e -> e.base() && e.google() && e.twitter())
        .map(e -> new EmojiExample(e.index(), vendor))
        .toList();
  }

  /** Pictures on white with values in [−1, 1]: [n, 3, 32, 32]. */
  static INDArray pixels(EmojiDataset data, List<EmojiExample> examples) {
    return data.images(examples, WHITE).muli(2).subi(1);
  }

  /**
   * Pixels of changed copies of pictures [n, 3, 32, 32], those of one copy after the other.
   *
   * @param from first of the {@code copies · examples} pictures
   * @param to first one left out
   */
  static INDArray varied(
      EmojiDataset data,
      List<EmojiExample> examples,
      SaeExperimentConfig.Variation variation,
      Seeds seeds,
      int from,
      int to) {
    Augmenter augmenter =
        new Augmenter(data.pictures(examples), variation.augmentation(), Normalization.SYMMETRIC);
    float[] values = new float[(to - from) * augmenter.length()];
    for (int i = from; i < to; i++) {
      augmenter.write(i % examples.size(), seeds.at(i), values, (i - from) * augmenter.length());
    }
    int side = EmojiDataset.SIZE;
    return Nd4j.createFromArray(values).reshape('c', to - from, 3, side, side);
  }

  /** Category, subcategory, concept. */
  static List<List<String>> paths(EmojiDataset data, List<EmojiExample> examples) {
    return examples.stream()
        .map(e -> data.get(e.emoji()))
        .map(e -> List.of(e.category(), e.subcategory(), Integer.toString(e.group())))
        .toList();
  }

  /**
   * Which words each is described by, of names, short names and kinds: 1 or 0 times the logarithm
   * of how rare the word is. Words of a single emoji are left out.
   */
  static double[][] words(EmojiDataset data, List<EmojiExample> examples) {
    List<Set<String>> all = new ArrayList<>();
    Map<String, Integer> counts = new HashMap<>();
    for (EmojiExample example : examples) {
      Set<String> words = words(data.get(example.emoji()));
      words.forEach(word -> counts.merge(word, 1, Integer::sum));
      all.add(words);
    }
    List<String> kept =
        counts.entrySet().stream()
            .filter(e -> e.getValue() > 1)
            .map(Map.Entry::getKey)
            .sorted()
            .toList();
    double[][] rows = new double[examples.size()][kept.size()];
    for (int w = 0; w < kept.size(); w++) {
      double weight = Math.log((double) examples.size() / counts.get(kept.get(w)));
      for (int i = 0; i < rows.length; i++) {
        rows[i][w] = all.get(i).contains(kept.get(w)) ? weight : 0;
      }
    }
    return rows;
  }

  private static Set<String> words(Emoji emoji) {
    Set<String> words = new LinkedHashSet<>();
    List<String> texts = new ArrayList<>(emoji.shortNames());
    texts.add(emoji.name());
    texts.add(emoji.category());
    texts.add(emoji.subcategory());
    for (String text : texts) {
      for (String word : Emoji.words(text).toLowerCase(Locale.ROOT).split("[^\\w]+")) {
        if (!word.isEmpty()) {
          words.add(word);
        }
      }
    }
    return words;
  }

  /** Histograms of colour, 4 steps per channel, of a picture on white. */
  static double[][] colours(EmojiDataset data, List<EmojiExample> examples) {
    double[][] rows = new double[examples.size()][BINS * BINS * BINS];
    int area = EmojiDataset.SIZE * EmojiDataset.SIZE;
    for (int i = 0; i < rows.length; i++) {
      float[] image = data.image(examples.get(i).emoji(), examples.get(i).vendor(), 1, 1, 1);
      for (int p = 0; p < area; p++) {
        int bin = 0;
        for (int c = 0; c < 3; c++) {
          bin = bin * BINS + Math.min(BINS - 1, (int) (image[c * area + p] * BINS));
        }
        rows[i][bin]++;
      }
    }
    return rows;
  }
}

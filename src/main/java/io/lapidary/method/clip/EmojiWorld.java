package io.lapidary.method.clip;

import io.lapidary.Seeds;
import io.lapidary.data.Emoji;
import io.lapidary.data.EmojiDataset;
import io.lapidary.data.EmojiExample;
import io.lapidary.data.EmojiSplit;
import io.lapidary.io.WordVocabulary;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The pictures of the experiment: base forms that both vendors drew, some concepts held out.
 *
 * @param data the emoji set
 * @param train trained pictures, all of one vendor
 * @param renderings the other vendor's pictures of the same emoji
 * @param heldOut pictures of held-out emoji in the trained vendor's style
 * @param heldOutRenderings the same emoji in the other style
 * @param gallery all emoji, whose names are the candidates of retrieval
 * @param kinds subcategories that occur in training, the candidates of zero-shot classification
 */
record EmojiWorld(
    EmojiDataset data,
    List<EmojiExample> train,
    List<EmojiExample> renderings,
    List<EmojiExample> heldOut,
    List<EmojiExample> heldOutRenderings,
    List<Emoji> gallery,
    List<String> kinds) {

  private static final float[] WHITE = {1, 1, 1};

  static EmojiWorld of(EmojiDataset data, EmojiClipConfig.Data config) {
    EmojiSplit split =
        EmojiSplit.heldOut(data, config.heldOut(), new Seeds(config.splitSeed()), Emoji::base);
    Emoji.Vendor seen = config.vendor();
    List<EmojiExample> train = of(split.train(), seen);
    List<EmojiExample> heldOut = of(split.test(), seen);
    List<Emoji> gallery = new ArrayList<>();
    train.forEach(e -> gallery.add(data.get(e.emoji())));
    heldOut.forEach(e -> gallery.add(data.get(e.emoji())));
    return new EmojiWorld(
        data,
        train,
        of(split.train(), seen.other()),
        heldOut,
        of(split.test(), seen.other()),
        List.copyOf(gallery),
        train.stream().map(e -> data.get(e.emoji()).subcategory()).distinct().sorted().toList());
  }

  private static List<EmojiExample> of(List<EmojiExample> examples, Emoji.Vendor vendor) {
    return examples.stream().filter(e -> e.vendor() == vendor).toList();
  }

  /** The texts of each trained picture; none is a name of a held-out emoji. */
  List<List<String>> trainingTexts() {
    Set<String> unspoken = new HashSet<>();
    heldOut.forEach(e -> unspoken.addAll(EmojiTexts.names(emoji(e))));
    return train.stream().map(e -> EmojiTexts.training(emoji(e), unspoken)).toList();
  }

  /** The words of the trained texts; those of held-out names are unknown to it. */
  WordVocabulary vocabulary() {
    List<String> texts = new ArrayList<>();
    trainingTexts().forEach(texts::addAll);
    return WordVocabulary.of(texts, 1, Integer.MAX_VALUE);
  }

  /** All candidate names. */
  List<String> names() {
    return gallery.stream().map(Emoji::name).toList();
  }

  /** All candidate kinds in words. */
  List<String> kindTexts() {
    return kinds.stream().map(EmojiTexts::kind).toList();
  }

  Emoji emoji(EmojiExample example) {
    return data.get(example.emoji());
  }

  /** Pictures on white with values in [−1, 1]: [n, 3, 32, 32]. */
  INDArray pixels(List<EmojiExample> examples) {
    return data.images(examples, WHITE).muli(2).subi(1);
  }

  /** For each example the number of its group: emoji with identical pictures are one answer. */
  int[] groups(List<EmojiExample> examples) {
    return examples.stream().mapToInt(e -> emoji(e).group()).toArray();
  }

  /** For each candidate name the number of its group. */
  int[] galleryGroups() {
    return gallery.stream().mapToInt(Emoji::group).toArray();
  }

  /** For each example the number of its subcategory among {@link #kinds}. */
  int[] kindNumbers(List<EmojiExample> examples) {
    return examples.stream().mapToInt(e -> kinds.indexOf(emoji(e).subcategory())).toArray();
  }

  /** The subcategory that most trained pictures have: the best guess without looking. */
  int mostFrequentKind() {
    int[] counts = new int[kinds.size()];
    for (int kind : kindNumbers(train)) {
      counts[kind]++;
    }
    int best = 0;
    for (int i = 0; i < counts.length; i++) {
      best = counts[i] > counts[best] ? i : best;
    }
    return best;
  }
}

package io.lapidary.method.sae;

import io.lapidary.Check;
import io.lapidary.data.Emoji;
import io.lapidary.data.EmojiDataset;
import io.lapidary.data.EmojiExample;
import io.lapidary.metric.LatentActivity;
import io.lapidary.metric.Monosemanticity;
import io.lapidary.metric.ScoreSummary;
import io.lapidary.metric.TopActivations;
import io.lapidary.model.sae.SparseAutoencoder;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * What each latent of a tower's autoencoder stands for, by the pictures it was trained on: codes
 * are averaged over the tokens of a picture, and the concept is the most frequent subcategory of
 * the 16 pictures that excite the latent most.
 */
final class LatentConcepts {
  private static final int TOP = 16;
  private static final int FEW = 10;

  private final double[] most;
  private final int width;
  private final double[] scores;
  private final LatentActivity activity;
  private final TopActivations top;
  private final EmojiDataset data;
  private final List<EmojiExample> examples;

  private LatentConcepts(
      double[] most,
      int width,
      double[] scores,
      LatentActivity activity,
      TopActivations top,
      EmojiDataset data,
      List<EmojiExample> examples) {
    this.most = most;
    this.width = width;
    this.scores = scores;
    this.activity = activity;
    this.top = top;
    this.data = data;
    this.examples = examples;
  }

  static LatentConcepts of(
      SparseAutoencoder sae, TowerTokens tokens, EmojiDataset data, List<EmojiExample> examples) {
    int latents = sae.config().latentWidth();
    double[] most = new double[latents];
    double[] means = new double[examples.size() * latents];
    for (int i = 0; i < examples.size(); i++) {
      float[][] rows = new float[tokens.perPicture()][];
      System.arraycopy(tokens.rows(), i * tokens.perPicture(), rows, 0, rows.length);
      try (INDArray x = Nd4j.createFromArray(rows);
          INDArray f = sae.encode(x)) {
        float[] codes = f.data().asFloat();
        for (int j = 0; j < codes.length; j++) {
          most[j % latents] = Math.max(most[j % latents], codes[j]);
          means[i * latents + j % latents] += codes[j] / rows.length;
        }
      }
    }
    LatentActivity activity = new LatentActivity(latents);
    activity.update(means, examples.size());
    TopActivations top = new TopActivations(latents, TOP);
    top.update(means, examples.size());
    double[] words = ConceptSet.flat(EmojiConcepts.words(data, examples));
    double[] scores = Monosemanticity.of(means, words, examples.size());
    return new LatentConcepts(most, tokens.width(), scores, activity, top, data, examples);
  }

  int width() {
    return width;
  }

  /** The latents of the highest scores that are active on at least ten pictures. */
  List<Integer> best(int count) {
    List<Integer> best =
        ScoreSummary.of(scores, latent -> activity.active(latent) >= FEW).best(count);
    Check.that(!best.isEmpty(), "no latent is active on %d pictures", FEW);
    return best;
  }

  /** Largest activation of a latent at any token. */
  double most(int latent) {
    return most[latent];
  }

  /** An emoji of the subcategory that most of the latent's top pictures have. */
  Emoji concept(int latent) {
    Map<String, Integer> counts = new HashMap<>();
    Emoji leader = null;
    int[] images = top.indices(latent);
    for (int i = images.length - 1; i >= 0; i--) { // of equal counts the stronger one's
      Emoji emoji = data.get(examples.get(images[i]).emoji());
      int count = counts.merge(emoji.subcategory(), 1, Integer::sum);
      if (leader == null || count > counts.get(leader.subcategory())) {
        leader = emoji;
      }
    }
    return leader;
  }

  /** Another latent that is active somewhere. */
  int randomActive(int latent, SplittableRandom random) {
    int[] active =
        IntStream.range(0, most.length)
            .filter(l -> l != latent && activity.active(l) >= FEW)
            .toArray();
    return active[random.nextInt(active.length)];
  }
}

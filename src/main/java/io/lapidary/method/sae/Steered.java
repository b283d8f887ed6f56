package io.lapidary.method.sae;

import io.lapidary.data.Emoji;
import io.lapidary.engine.ActivationEdits;
import io.lapidary.model.SplicedText;
import io.lapidary.model.VisionLanguageModel;
import io.lapidary.model.sae.SaeIntervention;
import io.lapidary.model.sae.SparseAutoencoder;
import io.lapidary.train.task.EmojiQuestion;
import io.lapidary.train.task.EmojiVlm;
import java.util.Collections;
import java.util.List;
import java.util.function.Consumer;
import org.nd4j.linalg.api.ndarray.INDArray;

/** A vision-language model with an autoencoder in its tower, asked under changes of the codes. */
final class Steered implements AutoCloseable {
  private final EmojiVlm vlm;
  private final SaeIntervention intervention;
  private final VisionLanguageModel edited;

  Steered(EmojiVlm vlm, String point, SparseAutoencoder sae) {
    this.vlm = vlm;
    this.intervention = new SaeIntervention(sae);
    this.edited = vlm.model().with(ActivationEdits.of(point, intervention));
  }

  /** Categories that the model names. */
  List<String> answers(INDArray pixels, Consumer<SaeIntervention> change) {
    change.accept(intervention.reset());
    return vlm.answers(edited, pixels, EmojiQuestion.CATEGORY);
  }

  /** Mean probability of the first word of the category of {@code emoji}. */
  double probability(INDArray pixels, Emoji emoji, Consumer<SaeIntervention> change) {
    change.accept(intervention.reset());
    int first = vlm.tokenizer().encode(EmojiQuestion.CATEGORY.answer(emoji))[1];
    int n = Math.toIntExact(pixels.size(0));
    SplicedText texts =
        edited.splice(
            Collections.nCopies(n, vlm.prompt(EmojiQuestion.CATEGORY)),
            pixels,
            SplicedText.Side.LEFT);
    double sum = 0;
    try (INDArray logits = edited.logits(texts, pixels)) {
      int vocabulary = Math.toIntExact(logits.size(2));
      float[] values = logits.data().asFloat();
      for (int i = 0; i < n; i++) {
        int start = ((i + 1) * texts.length() - 1) * vocabulary;
        double largest = Double.NEGATIVE_INFINITY;
        for (int v = 0; v < vocabulary; v++) {
          largest = Math.max(largest, values[start + v]);
        }
        double total = 0;
        for (int v = 0; v < vocabulary; v++) {
          total += Math.exp(values[start + v] - largest);
        }
        sum += Math.exp(values[start + first] - largest) / total;
      }
    }
    return sum / n;
  }

  @Override
  public void close() {
    edited.close();
  }
}

package io.lapidary.model;

import io.lapidary.Check;
import io.lapidary.InputException;
import io.lapidary.io.CheckpointFolder;
import io.lapidary.io.Jsons;
import io.lapidary.io.Tokenizer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * Embeds sentences: a tokenizer and a {@link TextEncoder}. An embedding is the mean over the states
 * of a text's tokens at unit length, so the dot product of two is their cosine (Reimers and
 * Gurevych 2019).
 */
public final class SentenceEncoder implements AutoCloseable {
  private static final int BATCH = 32;
  // few lengths, so that plans are used again
  private static final int[] LENGTHS = {16, 32, 48, 64, 96, 128, 192, 256, 384, 512};

  private final TextEncoder encoder;
  private final Tokenizer tokenizer;
  private final int longest;

  /**
   * Takes over an encoder and its tokenizer.
   *
   * @param longest number of ids to which texts are cut
   */
  public SentenceEncoder(TextEncoder encoder, Tokenizer tokenizer, int longest) {
    this.encoder = Check.present("encoder", encoder);
    this.tokenizer = Check.present("tokenizer", tokenizer);
    Check.between("longest", longest, 1, encoder.config().longest());
    this.longest = longest;
  }

  /**
   * Loads a folder with a tokenizer, such as one of the sentence-transformers library.
   *
   * @throws InputException when a file is missing or does not fit, or the folder asks for another
   *     pooling than the mean
   */
  public static SentenceEncoder load(Path folder) {
    Path pooling = folder.resolve("1_Pooling").resolve("config.json");
    if (Files.exists(pooling)) {
      HubConfig json = new HubConfig(Jsons.readObject(pooling), pooling.toString());
      if (!json.flag("pooling_mode_mean_tokens", true)) {
        throw InputException.of("%s: expected pooling_mode_mean_tokens true", pooling);
      }
    }
    Path limits = folder.resolve("sentence_bert_config.json");
    try (CheckpointFolder open = CheckpointFolder.open(folder)) {
      TextEncoder encoder = TextEncoder.load(open);
      int longest = encoder.config().longest();
      if (Files.exists(limits)) {
        HubConfig json = new HubConfig(Jsons.readObject(limits), limits.toString());
        longest = Math.min(longest, json.integer("max_seq_length", longest));
      }
      return new SentenceEncoder(encoder, Tokenizer.open(folder), longest);
    }
  }

  /** The encoder. */
  public TextEncoder encoder() {
    return encoder;
  }

  /** The tokenizer. */
  public Tokenizer tokenizer() {
    return tokenizer;
  }

  /**
   * Embeddings of unit length [texts, hidden] in the order of the texts; the caller closes them.
   * Texts of like length share a batch; longer ones are cut.
   */
  public INDArray embed(List<String> texts) {
    Check.that(!texts.isEmpty(), "at least one text is needed");
    List<int[]> ids = texts.stream().map(text -> tokenizer.encode(text, longest)).toList();
    int[] order =
        IntStream.range(0, ids.size())
            .boxed()
            .sorted(Comparator.comparingInt(i -> ids.get(i).length))
            .mapToInt(Integer::intValue)
            .toArray();
    long width = encoder.config().hiddenSize();
    INDArray all = Nd4j.createUninitialized(DataType.FLOAT, new long[] {order.length, width}, 'c');
    for (int from = 0; from < order.length; from += BATCH) {
      int here = Math.min(BATCH, order.length - from);
      int rows = here == 1 ? 1 : Integer.highestOneBit(here - 1) * 2; // few batch sizes, too
      int tokens = padded(ids.get(order[from + here - 1]).length);
      int[][] batch = new int[rows][tokens];
      int[][] mask = new int[rows][tokens];
      int pad = tokenizer.special().padding();
      for (int row = 0; row < rows; row++) {
        int[] text = row < here ? ids.get(order[from + row]) : new int[0];
        Arrays.fill(batch[row], pad);
        System.arraycopy(text, 0, batch[row], 0, text.length);
        Arrays.fill(mask[row], 0, text.length, 1);
      }
      try (INDArray made =
          encoder.sentenceEmbeddings(Nd4j.createFromArray(batch), Nd4j.createFromArray(mask))) {
        for (int row = 0; row < here; row++) {
          all.get(NDArrayIndex.point(order[from + row]), NDArrayIndex.all())
              .assign(made.get(NDArrayIndex.point(row), NDArrayIndex.all()));
        }
      }
    }
    return all;
  }

  private int padded(int length) {
    for (int size : LENGTHS) {
      if (size >= length && size <= longest) {
        return size;
      }
    }
    return length <= longest ? longest : length;
  }

  @Override
  public void close() {
    encoder.close();
    tokenizer.close();
  }
}

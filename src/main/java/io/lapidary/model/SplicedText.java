package io.lapidary.model;

import io.lapidary.Check;
import java.util.Arrays;
import java.util.List;

/**
 * Texts of equal length with the places of image rows, made from ids in either layout of LLaVA.
 *
 * @param ids token ids [B, T], 0 where there is none
 * @param imageRows the image row that stands at a position [B, T], counted over all images; {@link
 *     #TEXT} for a token, {@link #PADDING} for nothing
 * @param labels the token that a position holds, {@link CausalLm#IGNORED} at images, padding and
 *     the first position of a text
 */
public record SplicedText(int[][] ids, int[][] imageRows, int[][] labels) {
  /** A position that holds a token. */
  public static final int TEXT = -1;

  /** A position that holds nothing. */
  public static final int PADDING = -2;

  /** Stands for a whole image in texts of the single-sentinel layout. */
  public static final int SENTINEL = -200;

  /** Which end of shorter texts is filled up. */
  public enum Side {
    LEFT,
    RIGHT
  }

  /** Checks the shapes. */
  public SplicedText {
    Check.that(
        ids.length > 0 && ids.length == imageRows.length && ids.length == labels.length,
        "ids, image rows and labels must be of the same number of texts, at least one");
  }

  /** Number of texts. */
  public int batch() {
    return ids.length;
  }

  /** Length of every text, padding included. */
  public int length() {
    return ids[0].length;
  }

  /** Whether any position holds nothing. */
  public boolean padded() {
    return Arrays.stream(imageRows).anyMatch(r -> Arrays.stream(r).anyMatch(x -> x == PADDING));
  }

  /**
   * Splices texts.
   *
   * @param texts ids without padding. Each {@code imageToken} stands for one row of the next image;
   *     each {@link #SENTINEL} for a whole image
   * @param labels of the same lengths, or null for the ids themselves
   * @param images number of images, consumed in order over all texts. A text without any consumes
   *     one all the same when there are enough of them, as a batch of mixed texts is stored
   * @param rowsPerImage rows that one image gives
   * @param maxLength longer results are cut off at the end
   * @throws IllegalArgumentException when the texts ask for more or fewer rows than there are
   */
  public static SplicedText of(
      List<int[]> texts,
      List<int[]> labels,
      int imageToken,
      int images,
      int rowsPerImage,
      int maxLength,
      Side padding) {
    Check.that(!texts.isEmpty(), "at least one text is needed");
    Check.that(
        labels == null || labels.size() == texts.size(), "texts and labels differ in number");
    Check.positive("maxLength", maxLength);
    int rows = images * rowsPerImage;
    int asked = 0;
    int without = 0;
    int[] lengths = new int[texts.size()];
    for (int i = 0; i < lengths.length; i++) {
      int[] text = texts.get(i);
      Check.that(text.length > 0, "text %d is empty", i);
      Check.that(
          labels == null || labels.get(i).length == text.length,
          "text %d and its labels differ in length",
          i);
      int sentinels = count(text, SENTINEL);
      int single = imageToken == SENTINEL ? 0 : count(text, imageToken);
      int own = sentinels * rowsPerImage + single;
      lengths[i] = text.length + sentinels * (rowsPerImage - 1);
      asked += own;
      without += own == 0 ? 1 : 0;
    }
    boolean dummies = asked + without * rowsPerImage == rows;
    Check.that(
        asked == rows || dummies,
        "the texts ask for %d image rows, but %d images of %d rows give %d",
        asked,
        images,
        rowsPerImage,
        rows);
    int longest = Math.min(maxLength, Arrays.stream(lengths).max().orElse(0));
    SplicedText all =
        new SplicedText(
            new int[lengths.length][longest],
            new int[lengths.length][longest],
            new int[lengths.length][longest]);
    int row = 0;
    for (int i = 0; i < lengths.length; i++) {
      int start = padding == Side.LEFT ? longest - Math.min(longest, lengths[i]) : 0;
      Arrays.fill(all.imageRows[i], PADDING);
      Arrays.fill(all.labels[i], CausalLm.IGNORED);
      int before = row;
      int at = start;
      for (int j = 0; j < texts.get(i).length; j++) {
        int id = texts.get(i)[j];
        int here = id == SENTINEL ? rowsPerImage : 1;
        for (int k = 0; k < here; k++, at++) {
          boolean image = id == SENTINEL || id == imageToken;
          if (at < longest) {
            all.ids[i][at] = image ? 0 : id;
            all.imageRows[i][at] = image ? row : TEXT;
            if (!image) {
              all.labels[i][at] = labels == null ? id : labels.get(i)[j];
            }
          }
          row += image ? 1 : 0;
        }
      }
      all.labels[i][start] = CausalLm.IGNORED; // nothing before it predicts it
      if (dummies && row == before) {
        row += rowsPerImage;
      }
    }
    return all;
  }

  /** Where each position takes its row from, as {@link io.lapidary.layer.Splice#rows} wants it. */
  int[][] sources(int imageRowCount) {
    int tokens = batch() * length();
    int[][] sources = new int[batch()][length()];
    for (int i = 0; i < batch(); i++) {
      for (int j = 0; j < length(); j++) {
        sources[i][j] =
            switch (imageRows[i][j]) {
              case TEXT -> i * length() + j;
              case PADDING -> tokens + imageRowCount;
              default -> tokens + imageRows[i][j];
            };
      }
    }
    return sources;
  }

  /** 1 where a position holds something, 0 for padding. */
  float[][] mask() {
    float[][] mask = new float[batch()][length()];
    for (int i = 0; i < batch(); i++) {
      for (int j = 0; j < length(); j++) {
        mask[i][j] = imageRows[i][j] == PADDING ? 0 : 1;
      }
    }
    return mask;
  }

  private static int count(int[] ids, int id) {
    return (int) Arrays.stream(ids).filter(x -> x == id).count();
  }
}

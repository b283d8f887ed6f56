package io.lapidary.layer;

import io.lapidary.Check;
import io.lapidary.engine.Graph;
import java.util.Arrays;
import org.nd4j.autodiff.samediff.SDVariable;

/** Rows of other origin, such as image patches, between the embeddings of a text. */
public final class Splice {
  private Splice() {}

  /**
   * Every position of the result takes one row: of the text, of the images, or zeros. Shapes: text
   * [B, T, n], images [M, n], sources [B, S] of type INT, result [B, S, n].
   *
   * @param sources b·T + t for row t of text b, B·T + m for image row m, B·T + M for zeros
   */
  public static SDVariable rows(Graph g, SDVariable text, SDVariable images, SDVariable sources) {
    long[] t = g.shape(text);
    long[] m = g.shape(images);
    Check.that(
        t.length == 3 && m.length == 2 && t[2] == m[1] && g.shape(sources).length == 2,
        "splicing needs text [B, T, n], images [M, n] and sources [B, S], got %s, %s and %s",
        Arrays.toString(t),
        Arrays.toString(m),
        Arrays.toString(g.shape(sources)));
    SDVariable flat = g.ops().reshape(text, t[0] * t[1], t[2]);
    SDVariable all = g.ops().concat(0, flat, images, g.constant(0, 1, t[2]));
    return g.ops().embedding(all, sources);
  }
}

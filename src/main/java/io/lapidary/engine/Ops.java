package io.lapidary.engine;

import io.lapidary.Check;
import java.util.Arrays;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * The op vocabulary of a {@link Graph}, in forms that are right and fast, each with its gradient.
 * Axes may be negative; shapes broadcast by NumPy's rules; what does not fit is an {@link
 * IllegalArgumentException} when the graph is built. Losses are made of primitive ops, so they may
 * be scaled, masked and differentiated again.
 */
public final class Ops extends SparseOps {
  Ops(Graph graph) {
    super(graph);
  }

  /** How a loss over examples becomes one number. */
  public enum Reduction {
    MEAN,
    SUM,
    NONE
  }

  /**
   * Cross-entropy of logits [N, C] against class ids [N]. Examples whose id is {@code ignoreIndex}
   * count nowhere, not in the mean either.
   *
   * @param smoothing share of the target spread evenly over all classes, in [0, 1)
   * @param ignoreIndex an id outside [0, C) that marks examples to leave out, such as −100
   */
  public SDVariable crossEntropy(
      SDVariable logits, SDVariable ids, double smoothing, int ignoreIndex, Reduction reduction) {
    long classes = graph.size(logits, -1);
    Check.that(
        rank(logits) == 2 && Arrays.equals(shape(ids), new long[] {graph.size(logits, 0)}),
        "cross-entropy needs logits [N, C] and ids [N], got %s and %s",
        Arrays.toString(shape(logits)),
        Arrays.toString(shape(ids)));
    Check.that(smoothing >= 0 && smoothing < 1, "smoothing must be in [0, 1), got %s", smoothing);
    Check.that(
        ignoreIndex < 0 || ignoreIndex >= classes,
        "ignoreIndex must lie outside the %d classes, got %d",
        classes,
        ignoreIndex);
    SDVariable values = cast(ids, graph.type());
    SDVariable counted = rsub(1, equal(values, graph.constant(ignoreIndex)));
    SDVariable safe = cast(mul(values, counted), ids.dataType());
    SDVariable perExample =
        mul(crossEntropyRows(logits, ids, safe, smoothing, ignoreIndex), counted);
    if (reduction == Reduction.MEAN) {
      SDVariable count = maximum(sum(counted, false), graph.constant(1));
      return div(sum(perExample, false), count);
    }
    return reduce(perExample, reduction);
  }

  /** Mean cross-entropy of logits [N, C] against class ids [N]; every example counts. */
  public SDVariable crossEntropy(SDVariable logits, SDVariable ids) {
    Check.that(
        rank(logits) == 2 && Arrays.equals(shape(ids), new long[] {graph.size(logits, 0)}),
        "cross-entropy needs logits [N, C] and ids [N], got %s and %s",
        Arrays.toString(shape(logits)),
        Arrays.toString(shape(ids)));
    return mean(crossEntropyRows(logits, ids, ids, 0, -1), false);
  }

  private SDVariable crossEntropyRows(
      SDVariable logits, SDVariable ids, SDVariable safe, double smoothing, int ignoreIndex) {
    long classes = graph.size(logits, -1);
    double[] attributes = {smoothing, ignoreIndex};
    SDVariable[] outputs =
        graph.region(
            "cross_entropy",
            new SDVariable[] {logits, safe},
            attributes,
            () -> {
              SDVariable shifted = sub(logits, max(logits, true, 1));
              SDVariable total = sum(exp(shifted), true, 1);
              SDVariable logTotal = reshape(log(total), -1);
              SDVariable target = sum(mul(shifted, oneHot(safe, classes)), false, 1);
              SDVariable expected =
                  smoothing == 0
                      ? target
                      : add(
                          mul(target, 1 - smoothing),
                          mul(sum(shifted, false, 1), smoothing / classes));
              return new SDVariable[] {sub(logTotal, expected)};
            },
            out ->
                (up, wanted) ->
                    new SDVariable[] {
                      wanted[0] ? crossEntropyGradient(logits, safe, up[0], smoothing) : null, null
                    });
    return outputs[0];
  }

  private SDVariable crossEntropyGradient(
      SDVariable logits, SDVariable ids, SDVariable up, double smoothing) {
    long classes = graph.size(logits, -1);
    return region(
        "cross_entropy_bp",
        () -> {
          SDVariable target = mul(oneHot(ids, classes), 1 - smoothing);
          if (smoothing > 0) {
            target = add(target, smoothing / classes);
          }
          return mul(sub(softmax(logits, 1), target), reshape(up, -1, 1));
        },
        null,
        new double[] {smoothing},
        logits,
        ids,
        up);
  }

  /** Cross-entropy of logits [N, C] against target probabilities [N, C]. */
  public SDVariable crossEntropySoft(SDVariable logits, SDVariable targets, Reduction reduction) {
    return reduce(
        neg(sum(mul(targets, logSoftmax(logits, -1)), false, rank(logits) - 1)), reduction);
  }

  /** Binary cross-entropy of logits against targets in [0, 1], element-wise: softplus(x) − x t. */
  public SDVariable binaryCrossEntropy(SDVariable logits, SDVariable targets, Reduction reduction) {
    return reduce(sub(softplus(logits), mul(logits, targets)), reduction);
  }

  /**
   * KL(p ‖ q) of two rows of logits, summed over the last axis. Exchange the arguments for the
   * other direction.
   */
  public SDVariable klDivergence(SDVariable pLogits, SDVariable qLogits, Reduction reduction) {
    SDVariable logP = logSoftmax(pLogits, -1);
    SDVariable logQ = logSoftmax(qLogits, -1);
    return reduce(sum(mul(exp(logP), sub(logP, logQ)), false, rank(pLogits) - 1), reduction);
  }

  /** Squared difference. */
  public SDVariable squaredError(SDVariable a, SDVariable b, Reduction reduction) {
    return reduce(square(sub(a, b)), reduction);
  }

  /** Cosine of the angle between rows of the last axis; 0 where either is zero. */
  public SDVariable cosineSimilarity(SDVariable a, SDVariable b) {
    SDVariable product = mul(l2Normalize(a, -1, 1e-8), l2Normalize(b, -1, 1e-8));
    return sum(product, false, rank(product) - 1);
  }

  /**
   * Symmetric contrastive loss of paired rows (CLIP): both [N, E], already of unit length; logits =
   * scale · a bᵀ, where row i belongs to column i.
   *
   * @param scale factor of the similarities, a scalar variable (the inverse temperature)
   */
  public SDVariable infoNce(SDVariable a, SDVariable b, SDVariable scale) {
    SDVariable logits = mul(matmul(a, b, false, true), scale);
    SDVariable pairs = range(Math.toIntExact(graph.size(a, 0)));
    return mul(add(crossEntropy(logits, pairs), crossEntropy(transpose(logits), pairs)), 0.5);
  }

  /** One number from per-example values. */
  public SDVariable reduce(SDVariable values, Reduction reduction) {
    return switch (reduction) {
      case MEAN -> mean(values, false);
      case SUM -> sum(values, false);
      case NONE -> values;
    };
  }
}

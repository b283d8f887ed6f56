package io.lapidary.train;

import io.lapidary.Check;
import org.nd4j.linalg.learning.config.AMSGrad;
import org.nd4j.linalg.learning.config.AdaBelief;
import org.nd4j.linalg.learning.config.AdaDelta;
import org.nd4j.linalg.learning.config.AdaGrad;
import org.nd4j.linalg.learning.config.AdaMax;
import org.nd4j.linalg.learning.config.Nadam;
import org.nd4j.linalg.learning.config.RmsProp;

/**
 * Which optimizer, and its numbers.
 *
 * @param type the rule; ADAMW when left out
 * @param learningRate peak rate, above 0
 * @param weightDecay coefficient for groups that name none of their own; 0 when left out. Decoupled
 *     for ADAMW, added to the gradient elsewhere
 * @param beta1 0.9 when left out (Adam family)
 * @param beta2 0.999 when left out (Adam family; decay of RMSPROP and rho of ADADELTA: 0.95)
 * @param epsilon 1e-8 when left out
 * @param momentum of SGD; 0 when left out
 * @param nesterov of SGD; false when left out
 */
public record OptimizerConfig(
    Type type,
    double learningRate,
    Double weightDecay,
    Double beta1,
    Double beta2,
    Double epsilon,
    Double momentum,
    Boolean nesterov) {

  /** Known rules. */
  public enum Type {
    ADAMW,
    ADAM,
    SGD,
    NADAM,
    ADAMAX,
    AMSGRAD,
    ADABELIEF,
    RMSPROP,
    ADAGRAD,
    ADADELTA
  }

  /** Fills in defaults and checks ranges. */
  public OptimizerConfig {
    type = type == null ? Type.ADAMW : type;
    weightDecay = weightDecay == null ? 0 : weightDecay;
    beta1 = beta1 == null ? 0.9 : beta1;
    boolean averages = type == Type.RMSPROP || type == Type.ADADELTA;
    beta2 = beta2 != null ? beta2 : averages ? 0.95 : 0.999;
    epsilon = epsilon == null ? 1e-8 : epsilon;
    momentum = momentum == null ? 0 : momentum;
    nesterov = nesterov != null && nesterov;
    Check.that(
        learningRate > 0 && Double.isFinite(learningRate),
        "learningRate must be above 0, got %s",
        learningRate);
    Check.between("weightDecay", weightDecay, 0, 1e6);
    Check.that(
        type == Type.SGD || (momentum == 0 && !nesterov), "momentum and nesterov belong to SGD");
    create(type, beta1, beta2, epsilon, momentum, nesterov).close(); // checks the rest
  }

  /** AdamW with the usual betas. */
  public static OptimizerConfig adamW(double learningRate, double weightDecay) {
    return new OptimizerConfig(Type.ADAMW, learningRate, weightDecay, null, null, null, null, null);
  }

  /** Adam with the usual betas. */
  public static OptimizerConfig adam(double learningRate) {
    return new OptimizerConfig(Type.ADAM, learningRate, null, null, null, null, null, null);
  }

  /** Stochastic gradient descent. */
  public static OptimizerConfig sgd(double learningRate, double momentum) {
    return new OptimizerConfig(Type.SGD, learningRate, null, null, null, null, momentum, null);
  }

  /** A fresh optimizer of these numbers. */
  public Optimizer create() {
    return create(type, beta1, beta2, epsilon, momentum, nesterov);
  }

  private static Optimizer create(
      Type type, double beta1, double beta2, double epsilon, double momentum, boolean nesterov) {
    return switch (type) {
      case ADAMW -> new Adam(beta1, beta2, epsilon, true);
      case ADAM -> new Adam(beta1, beta2, epsilon, false);
      case SGD -> new Sgd(momentum, nesterov);
      case NADAM -> new UpdaterOptimizer(new Nadam(1, beta1, beta2, epsilon));
      case ADAMAX -> new UpdaterOptimizer(new AdaMax(1, beta1, beta2, epsilon));
      case AMSGRAD -> new UpdaterOptimizer(new AMSGrad(1, beta1, beta2, epsilon));
      case ADABELIEF -> new UpdaterOptimizer(new AdaBelief(1, beta1, beta2, epsilon));
      case RMSPROP -> new UpdaterOptimizer(new RmsProp(1, beta2, epsilon));
      case ADAGRAD -> new UpdaterOptimizer(new AdaGrad(1, epsilon));
      case ADADELTA -> new UpdaterOptimizer(new AdaDelta(beta2, epsilon));
    };
  }
}

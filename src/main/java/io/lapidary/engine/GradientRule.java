package io.lapidary.engine;

import org.nd4j.autodiff.samediff.SDVariable;

/** The vector-Jacobian product of one node, as further ops. */
@FunctionalInterface
interface GradientRule {
  /**
   * @param upstream gradient of the loss with respect to each output; null where there is none
   * @param wanted which inputs need a gradient; others may be left null
   * @return one gradient per input, of the input's shape; null where none flows
   */
  SDVariable[] gradients(SDVariable[] upstream, boolean[] wanted);
}

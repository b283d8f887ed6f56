package io.lapidary.model.sae;

import java.util.Map;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * A training batch through an autoencoder.
 *
 * @param codes sparse codes [B, F]
 * @param reconstruction of the batch [B, d]
 * @param losses scalars by name, whose sum is minimised
 */
public record SaeForward(
    SDVariable codes, SDVariable reconstruction, Map<String, SDVariable> losses) {}

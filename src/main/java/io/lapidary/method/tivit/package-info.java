/**
 * TiViT: classification of time series on the hidden layers of a frozen vision transformer.
 * Roschmann, Bouniot, Feofanov, Redko and Akata, "Time Series Representations for Classification
 * Lie Hidden in Pretrained Vision Transformers", 2025, arXiv 2506.08641.
 */
package io.lapidary.method.tivit;

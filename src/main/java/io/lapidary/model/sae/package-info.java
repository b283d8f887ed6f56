/**
 * Sparse autoencoders: overcomplete dictionaries of activations, one file per variant, after Pach
 * et al. (2025), "Sparse Autoencoders Learn Monosemantic Features in Vision-Language Models".
 */
package io.lapidary.model.sae;

/**
 * Training of sparse autoencoders, after Pach et al. (2025), "Sparse Autoencoders Learn
 * Monosemantic Features in Vision-Language Models".
 */
package io.lapidary.method.sae;

/**
 * Contrastive image-text training on emoji, after Radford et al., "Learning Transferable Visual
 * Models From Natural Language Supervision" (ICML 2021, arXiv 2103.00020): a small CLIP learns from
 * one vendor's pictures and their names, and is asked about the other vendor's pictures and about
 * emoji it has neither seen nor read of.
 */
package io.lapidary.method.clip;

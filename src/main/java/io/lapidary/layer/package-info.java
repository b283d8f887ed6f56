/**
 * Layers: stateless functions that add ops to a graph. Parameters carry the names and layouts of
 * PyTorch checkpoints; what a layer needs is an argument.
 */
package io.lapidary.layer;

/**
 * Models in plain SameDiff, as its users write them and trained by its own {@code fit}: a yardstick
 * for time only, as some of their gradients are wrong in 1.0.0-M2.1.
 */
package io.lapidary.engine.stock;

/**
 * SameDiff made right and fast: op vocabulary, gradients as graph ops, the static executor and the
 * native runtime.
 */
package io.lapidary.engine;

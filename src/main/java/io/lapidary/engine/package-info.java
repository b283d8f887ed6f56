/**
 * The engine under every model: the graph façade, gradients as graph operations, the static
 * executor, and what it runs on.
 */
package io.lapidary.engine;

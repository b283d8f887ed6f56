/**
 * Fused CPU kernels on the Vector API, used by plans when the module {@code jdk.incubator.vector}
 * is enabled. Each computes what the plain ops of its region compute; nothing else depends on them.
 */
package io.lapidary.engine.vector;

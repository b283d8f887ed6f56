/**
 * {@code lapidary bench}: seven workloads of the sizes people train on a desk, timed step by step,
 * and two of them in plain SameDiff as a yardstick.
 */
package io.lapidary.app.bench;

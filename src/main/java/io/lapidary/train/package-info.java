/**
 * Training: the loop with its optimizers, schedules, parameter groups, checkpoints and metrics. It
 * alone changes weights, and it tells listeners what happens.
 */
package io.lapidary.train;

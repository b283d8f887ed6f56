/** Trainings that a configuration file can name and that belong to no paper. */
package io.lapidary.train.task;

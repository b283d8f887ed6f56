/**
 * The command line: one class per command, registered in {@link io.lapidary.app.Lapidary}, and the
 * one place that turns failures into a line and an exit code.
 */
package io.lapidary.app;

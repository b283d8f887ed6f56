/**
 * The classifiers of time series that a practitioner tries first, each as its authors define it.
 */
package io.lapidary.method.tivit.baseline;

/**
 * Results as values: claims with verdicts, result files, the claims table on the terminal and one
 * offline HTML page over all stored results. Also the contract of an experiment, which ends in a
 * result. Knows metrics; knows no models, trainers or methods.
 */
package io.lapidary.report;

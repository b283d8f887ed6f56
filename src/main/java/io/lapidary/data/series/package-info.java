/**
 * Labelled time series: the values in memory, their readers and writers, generators of published
 * simulated problems, preparation, and DataVec on top.
 */
package io.lapidary.data.series;

/**
 * Metrics and statistics: streaming metrics over predictions, retrieval scores, confidence
 * intervals and paired tests. Works on arrays and numbers only; knows no models and no files.
 */
package io.lapidary.metric;

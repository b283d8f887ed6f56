package io.lapidary.search;

import java.util.Map;

/**
 * A trial that has ended.
 *
 * @param trial its number, from 0
 * @param values by key of the training file
 * @param score null when it failed
 * @param failure why it failed, or null
 * @param seconds it took
 */
public record TrialRecord(
    int trial, Map<String, Object> values, Double score, String failure, double seconds) {}

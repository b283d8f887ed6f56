/**
 * Data sets, splits and batches: what is shipped or fetched, pictures and their records, seeded
 * augmentation, and batches as {@code MultiDataSetIterator}s whose order depends on the seed and
 * the epoch only.
 */
package io.lapidary.data;

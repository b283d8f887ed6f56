/** Hyper-parameter search through Arbiter over anything that can be trained from a file. */
package io.lapidary.search;

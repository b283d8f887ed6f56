/**
 * What every room uses: argument checks, the error type for bad input, seed streams and files that
 * are never half-written.
 */
package io.lapidary;

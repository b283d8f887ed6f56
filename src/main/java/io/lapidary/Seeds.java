package io.lapidary;

import java.nio.charset.StandardCharsets;
import java.util.SplittableRandom;

/**
 * One root seed and its named streams. A stream's seed depends on the root and the name only, so
 * adding a stream moves no other: {@code seeds.stream("shuffle").at(epoch).random()}.
 */
public record Seeds(long seed) {

  /** The seeds below {@code name}. */
  public Seeds stream(String name) {
    long hash = 0xcbf29ce484222325L; // FNV-1a over the UTF-8 bytes, then mixed with the root
    for (byte b : name.getBytes(StandardCharsets.UTF_8)) {
      hash = (hash ^ (b & 0xff)) * 0x100000001b3L;
    }
    return new Seeds(mix(seed ^ mix(hash)));
  }

  /** The seeds of one numbered item of this stream: an epoch, a step, an example. */
  public Seeds at(long index) {
    return new Seeds(mix(seed + 0x9e3779b97f4a7c15L * (index + 1)));
  }

  /** A fresh generator that always gives the same numbers for the same seed. */
  public SplittableRandom random() {
    return new SplittableRandom(seed);
  }

  private static long mix(long z) { // finaliser of SplitMix64
    z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
    z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
    return z ^ (z >>> 31);
  }
}

package io.lapidary.app;

/** Reproduces sparse autoencoders: {@code java ... io.lapidary.app.SaeMain --scale desk}. */
public final class SaeMain {
  private SaeMain() {}

  /** Options as of {@code lapidary reproduce sae}. */
  public static void main(String[] args) {
    Lapidary.reproduce("sae", args);
  }
}

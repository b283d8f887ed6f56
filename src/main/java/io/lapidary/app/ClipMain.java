package io.lapidary.app;

/** Reproduces CLIP on emoji: {@code java ... io.lapidary.app.ClipMain --scale desk}. */
public final class ClipMain {
  private ClipMain() {}

  /** Options as of {@code lapidary reproduce clip}. */
  public static void main(String[] args) {
    Lapidary.reproduce("clip", args);
  }
}

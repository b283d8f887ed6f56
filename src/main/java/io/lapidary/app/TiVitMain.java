package io.lapidary.app;

/** Reproduces TiViT: {@code java ... io.lapidary.app.TiVitMain --scale desk}. */
public final class TiVitMain {
  private TiVitMain() {}

  /** Options as of {@code lapidary reproduce tivit}. */
  public static void main(String[] args) {
    Lapidary.reproduce("tivit", args);
  }
}

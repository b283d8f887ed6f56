package io.lapidary.method.tivit;

/** Features of a set of series, a layer at a time. */
public interface LayerFeatures {
  /** Number of blocks: layers are 0 to this. */
  int layers();

  /** Features [case][channels · width] of a layer. */
  float[][] layer(int layer);
}

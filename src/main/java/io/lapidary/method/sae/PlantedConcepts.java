package io.lapidary.method.sae;

import io.lapidary.Seeds;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Activations whose concepts are known: 8 groups of 5 subgroups of 4 concepts, each with a random
 * direction of its own, an attribute of ten, noise and a fixed offset. The embedding has the same
 * factors with other directions.
 */
final class PlantedConcepts {
  private static final int GROUPS = 8;
  private static final int SUBGROUPS = 5;
  private static final int CONCEPTS = 4;
  private static final int ATTRIBUTES = 10;
  private static final int WIDTH = 64;

  private final Directions seen;
  private final Directions independent;
  private final double[] offset;

  /** Directions of all factors in one space. */
  private record Directions(
      double[][] groups, double[][] subgroups, double[][] concepts, double[][] attributes) {
    static Directions of(Seeds seeds) {
      return new Directions(
          units(GROUPS, seeds.stream("groups")),
          units(GROUPS * SUBGROUPS, seeds.stream("subgroups")),
          units(GROUPS * SUBGROUPS * CONCEPTS, seeds.stream("concepts")),
          units(ATTRIBUTES, seeds.stream("attributes")));
    }

    double[] sum(int concept, int attribute, double[] weights) {
      double[] x = new double[WIDTH];
      add(x, weights[0], groups[concept / CONCEPTS / SUBGROUPS]);
      add(x, weights[1], subgroups[concept / CONCEPTS]);
      add(x, weights[2], concepts[concept]);
      add(x, weights[3], attributes[attribute]);
      return x;
    }
  }

  PlantedConcepts(Seeds seeds) {
    seen = Directions.of(seeds.stream("seen"));
    independent = Directions.of(seeds.stream("independent"));
    SplittableRandom random = seeds.stream("offset").random();
    offset = new double[WIDTH];
    for (int j = 0; j < WIDTH; j++) {
      offset[j] = 0.5 * random.nextGaussian();
    }
  }

  /** Draws so many samples of each of the 160 concepts. */
  ConceptSet draw(int samples, Seeds seeds) {
    SplittableRandom random = seeds.random();
    int n = GROUPS * SUBGROUPS * CONCEPTS * samples;
    float[][] activations = new float[n][WIDTH];
    double[][] embeddings = new double[n][];
    List<List<String>> paths = new ArrayList<>();
    for (int i = 0; i < n; i++) {
      int concept = i / samples;
      int attribute = random.nextInt(ATTRIBUTES);
      double[] x = seen.sum(concept, attribute, new double[] {1.2, 1, 1, 0.6});
      double[] e = independent.sum(concept, attribute, new double[] {1, 1, 1.2, 0.3});
      for (int j = 0; j < WIDTH; j++) {
        activations[i][j] = (float) (x[j] + 0.125 * random.nextGaussian() + offset[j]);
        e[j] += 0.15 * random.nextGaussian();
      }
      embeddings[i] = e;
      paths.add(
          List.of("g" + concept / CONCEPTS / SUBGROUPS, "s" + concept / CONCEPTS, "c" + concept));
    }
    return new ConceptSet(activations, embeddings, paths);
  }

  private static double[][] units(int count, Seeds seeds) {
    SplittableRandom random = seeds.random();
    double[][] rows = new double[count][WIDTH];
    for (double[] row : rows) {
      double squares = 0;
      for (int j = 0; j < WIDTH; j++) {
        row[j] = random.nextGaussian();
        squares += row[j] * row[j];
      }
      for (int j = 0; j < WIDTH; j++) {
        row[j] /= Math.sqrt(squares);
      }
    }
    return rows;
  }

  private static void add(double[] x, double weight, double[] direction) {
    for (int j = 0; j < x.length; j++) {
      x[j] += weight * direction[j];
    }
  }
}

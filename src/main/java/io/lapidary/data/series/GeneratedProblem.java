package io.lapidary.data.series;

import io.lapidary.Check;
import io.lapidary.Seeds;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/**
 * The simulated problems of the UCR archive, drawn anew from their published rules. Classes are
 * equally frequent, series as they are drawn (not normalised). The same seed gives the same series.
 */
public enum GeneratedProblem {
  /**
   * Cylinder, bell, funnel (Saito 1994): (6 + η)·χ[a,b](t)·shape(t) + ε(t) for t = 1..T with η and
   * ε standard normal, a uniform in T/8..T/4 and b − a in T/4..3T/4; the shape is 1, (t − a)/(b −
   * a) or (b − t)/(b − a).
   */
  CBF("CBF", 3, 30, 900, 128) {
    @Override
    double[] series(int kind, int length, SplittableRandom random) {
      int a = between(random, length / 8, length / 4);
      int b = a + between(random, length / 4, length * 3 / 4);
      double height = 6 + random.nextGaussian();
      double[] x = noise(length, 1, random);
      for (int t = a; t <= Math.min(b, length); t++) {
        double rise = (double) (t - a) / (b - a);
        x[t - 1] += height * (kind == 0 ? 1 : kind == 1 ? rise : 1 - rise);
      }
      return x;
    }
  },
  /**
   * Control charts (Alcock and Manolopoulos 1999): 30 + 2·r(t) with r uniform in ±3; normal, cyclic
   * (plus a·sin(2πt/P), a and P uniform in 10..15), trends (± g·t, g in 0.2..0.5), shifts (± x
   * after t₀, x in 7.5..20, t₀ in T/3..2T/3).
   */
  SYNTHETIC_CONTROL("SyntheticControl", 6, 300, 300, 60) {
    @Override
    double[] series(int kind, int length, SplittableRandom random) {
      double[] x = new double[length];
      double amplitude = between(random, 10.0, 15.0);
      double period = between(random, 10.0, 15.0);
      double slope = between(random, 0.2, 0.5);
      double jump = between(random, 7.5, 20.0);
      double from = between(random, length / 3.0, 2 * length / 3.0);
      for (int i = 0; i < length; i++) {
        int t = i + 1;
        double part =
            switch (kind) {
              case 1 -> amplitude * Math.sin(2 * Math.PI * t / period);
              case 2 -> slope * t;
              case 3 -> -slope * t;
              case 4 -> t >= from ? jump : 0;
              case 5 -> t >= from ? -jump : 0;
              default -> 0;
            };
        x[i] = 30 + 2 * between(random, -3.0, 3.0) + part;
      }
      return x;
    }
  },
  /**
   * Two patterns (Geurts 2002): standard normal noise, and in it two steps without overlap, each
   * upward (−5, then 5) or downward; the classes are down-down, up-down, down-up, up-up. A step
   * takes T/8 to T/4 values and has no noise.
   */
  TWO_PATTERNS("TwoPatterns", 4, 1000, 4000, 128) {
    @Override
    double[] series(int kind, int length, SplittableRandom random) {
      double[] x = noise(length, 1, random);
      int first = between(random, length / 8, length / 4);
      int second = between(random, length / 8, length / 4);
      int free = length - first - second;
      int[] cuts = {random.nextInt(free + 1), random.nextInt(free + 1)};
      Arrays.sort(cuts);
      step(x, cuts[0], first, (kind & 1) == 1);
      step(x, cuts[1] + first, second, (kind & 2) == 2);
      return x;
    }

    private void step(double[] x, int from, int length, boolean up) {
      for (int i = 0; i < length; i++) {
        x[from + i] = i < length / 2 == up ? -5 : 5;
      }
    }
  },
  /**
   * Shapelets in noise (Hills et al. 2014): standard normal noise, to which one of two shapes of
   * length T·29/500 and height 4 is added at a random place: a triangle or head and shoulders.
   */
  SHAPELET_SIM("ShapeletSim", 2, 20, 180, 500) {
    @Override
    double[] series(int kind, int length, SplittableRandom random) {
      double[] x = noise(length, 1, random);
      int size = Math.max(3, length * 29 / 500);
      int from = random.nextInt(length - size + 1);
      for (int i = 0; i < size; i++) {
        double at = (double) i / (size - 1);
        x[from + i] += kind == 0 ? 4 * hat(at, 0, 1) : headAndShoulders(at);
      }
      return x;
    }

    private double headAndShoulders(double at) {
      return 2 * hat(at, 0, 1.0 / 3) + 4 * hat(at, 1.0 / 3, 2.0 / 3) + 2 * hat(at, 2.0 / 3, 1);
    }
  },
  /**
   * Begin, middle, end (Frambourg et al. 2013): a plate of random place, width and sign in the
   * middle, and a small bell, always upward, at the begin or at the end; or none.
   */
  BME("BME", 3, 30, 150, 128) {
    @Override
    double[] series(int kind, int length, SplittableRandom random) {
      double[] x = plate(length, random);
      if (kind != 1) {
        bell(x, kind == 0, 1, random);
      }
      return x;
    }
  },
  /**
   * Up, middle, down (Frambourg et al. 2013): a plate as in BME, and a small bell at the begin or
   * at the end, upward or downward; or none.
   */
  UMD("UMD", 3, 36, 144, 150) {
    @Override
    double[] series(int kind, int length, SplittableRandom random) {
      double[] x = plate(length, random);
      if (kind != 1) {
        bell(x, random.nextBoolean(), kind == 0 ? 1 : -1, random);
      }
      return x;
    }
  };

  private static final double SMOOTH_NOISE = 0.1;

  private final String problem;
  private final int classes;
  private final int train;
  private final int test;
  private final int length;

  GeneratedProblem(String problem, int classes, int train, int test, int length) {
    this.problem = problem;
    this.classes = classes;
    this.train = train;
    this.test = test;
    this.length = length;
  }

  abstract double[] series(int kind, int length, SplittableRandom random);

  /** Name in the archive. */
  public String problem() {
    return problem;
  }

  /** Training cases in the archive. */
  public int trainCases() {
    return train;
  }

  /** Test cases in the archive. */
  public int testCases() {
    return test;
  }

  /** Length in the archive. */
  public int length() {
    return length;
  }

  /** A problem with the sizes of the archive. */
  public SeriesProblem draw(long seed) {
    return draw(train, test, length, seed);
  }

  /**
   * A problem of other sizes.
   *
   * @param trainCases at least one a class
   * @param testCases at least one a class
   * @param length at least 32
   */
  public SeriesProblem draw(int trainCases, int testCases, int length, long seed) {
    Check.that(length >= 32, "length must be at least 32, got %d", length);
    Seeds seeds = new Seeds(seed).stream(problem);
    return new SeriesProblem(
        set(trainCases, length, seeds.stream("train")),
        set(testCases, length, seeds.stream("test")));
  }

  private SeriesSet set(int cases, int length, Seeds seeds) {
    Check.that(cases >= classes, "%s has %d classes, got %d cases", problem, classes, cases);
    List<TimeSeries> drawn = new ArrayList<>();
    for (int i = 0; i < cases; i++) {
      int kind = i % classes;
      double[] values = series(kind, length, seeds.at(i).random());
      drawn.add(new TimeSeries(new double[][] {values}, kind));
    }
    List<String> names = new ArrayList<>();
    for (int c = 1; c <= classes; c++) {
      names.add(Integer.toString(c));
    }
    return new SeriesSet(problem, names, drawn);
  }

  private static int between(SplittableRandom random, int low, int high) {
    return random.nextInt(low, high + 1);
  }

  private static double between(SplittableRandom random, double low, double high) {
    return random.nextDouble(low, high);
  }

  private static double[] noise(int length, double deviation, SplittableRandom random) {
    double[] x = new double[length];
    Arrays.setAll(x, t -> deviation * random.nextGaussian());
    return x;
  }

  /** A triangle of height 1 from {@code low} to {@code high}. */
  private static double hat(double at, double low, double high) {
    double middle = (low + high) / 2;
    return Math.max(0, 1 - Math.abs(at - middle) / (middle - low));
  }

  /** A plate of height 2.5 to 3.5, upward or downward, in the middle half, over small noise. */
  private static double[] plate(int length, SplittableRandom random) {
    double[] x = noise(length, SMOOTH_NOISE, random);
    double height = between(random, 2.5, 3.5) * (random.nextBoolean() ? 1 : -1);
    int from = between(random, length * 3 / 10, length * 2 / 5);
    int to = between(random, length * 3 / 5, length * 7 / 10);
    for (int t = from; t < to; t++) {
      x[t] += height;
    }
    return x;
  }

  /** A bell of height 0.8 to 1.2 in the first or the last quarter. */
  private static void bell(double[] x, boolean atBegin, int sign, SplittableRandom random) {
    int length = x.length;
    double width = length / 24.0;
    double centre = between(random, 2 * width, length / 4.0 - 2 * width + 1e-9);
    double place = atBegin ? centre : length - 1 - centre;
    double height = sign * between(random, 0.8, 1.2);
    for (int t = 0; t < length; t++) {
      x[t] += height * Math.exp(-(t - place) * (t - place) / (2 * width * width / 4));
    }
  }
}

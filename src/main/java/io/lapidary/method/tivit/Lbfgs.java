package io.lapidary.method.tivit;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;

/** Limited-memory BFGS (Liu and Nocedal 1989) with a line search for the Wolfe conditions. */
final class Lbfgs {
  private static final int MEMORY = 10;
  private static final int TRIES = 50;
  private static final double DECREASE = 1e-4;
  private static final double CURVATURE = 0.9;
  private static final double FLAT = 64 * Math.ulp(1.0);

  private Lbfgs() {}

  /** A smooth function. */
  interface Function {
    /** The value at {@code x}; {@code gradient} gets the derivatives. */
    double at(double[] x, double[] gradient);
  }

  /** A step and the change of the gradient along it. */
  private record Pair(double[] step, double[] change, double product) {}

  /**
   * A place where the largest derivative is at most {@code tolerance}, or the best found when the
   * iterations or the digits end.
   */
  static double[] minimize(Function f, double[] start, int mostIterations, double tolerance) {
    int n = start.length;
    double[] x = start.clone();
    double[] g = new double[n];
    double value = f.at(x, g);
    Deque<Pair> pairs = new ArrayDeque<>();
    double[] next = new double[n];
    double[] nextG = new double[n];
    for (int i = 0; i < mostIterations && largest(g) > tolerance; i++) {
      double[] direction = direction(g, pairs);
      double slope = dot(g, direction);
      if (!(slope < 0)) { // rounding has spoilt the memory
        pairs.clear();
        direction = direction(g, pairs);
        slope = dot(g, direction);
      }
      double first = pairs.isEmpty() ? Math.min(1, 1 / Math.sqrt(dot(g, g))) : 1;
      double low = 0;
      double high = Double.POSITIVE_INFINITY;
      double t = first;
      double found = Double.NaN;
      for (int tries = 0; tries < TRIES; tries++) {
        for (int j = 0; j < n; j++) {
          next[j] = x[j] + t * direction[j];
        }
        double v = f.at(next, nextG);
        boolean decreased = v <= value + DECREASE * t * slope;
        found = decreased ? v : Double.NaN; // of the last try, at which the search may end
        if (!decreased) {
          high = t;
        } else if (dot(nextG, direction) < CURVATURE * slope) {
          low = t;
        } else {
          break;
        }
        t = Double.isInfinite(high) ? 2 * t : (low + high) / 2;
      }
      if (Double.isNaN(found)) {
        return x;
      }
      double v = found;
      if (v > value) {
        return x;
      }
      double[] step = new double[n];
      double[] change = new double[n];
      for (int j = 0; j < n; j++) {
        step[j] = next[j] - x[j];
        change[j] = nextG[j] - g[j];
      }
      double product = dot(step, change);
      if (product > 1e-300) {
        pairs.addLast(new Pair(step, change, product));
        if (pairs.size() > MEMORY) {
          pairs.removeFirst();
        }
      }
      boolean flat = value - v <= FLAT * Math.max(1, Math.max(Math.abs(value), Math.abs(v)));
      System.arraycopy(next, 0, x, 0, n);
      System.arraycopy(nextG, 0, g, 0, n);
      value = v;
      if (flat) {
        return x;
      }
    }
    return x;
  }

  private static double[] direction(double[] g, Deque<Pair> pairs) {
    double[] q = g.clone();
    double[] alphas = new double[pairs.size()];
    int i = pairs.size();
    for (Iterator<Pair> back = pairs.descendingIterator(); back.hasNext(); ) {
      Pair p = back.next();
      alphas[--i] = dot(p.step, q) / p.product;
      add(q, -alphas[i], p.change);
    }
    if (!pairs.isEmpty()) {
      Pair last = pairs.getLast();
      double scale = last.product / dot(last.change, last.change);
      for (int j = 0; j < q.length; j++) {
        q[j] *= scale;
      }
    }
    for (Pair p : pairs) {
      double beta = dot(p.change, q) / p.product;
      add(q, alphas[i++] - beta, p.step);
    }
    for (int j = 0; j < q.length; j++) {
      q[j] = -q[j];
    }
    return q;
  }

  private static void add(double[] x, double factor, double[] y) {
    for (int j = 0; j < x.length; j++) {
      x[j] += factor * y[j];
    }
  }

  private static double dot(double[] a, double[] b) {
    double sum = 0;
    for (int j = 0; j < a.length; j++) {
      sum += a[j] * b[j];
    }
    return sum;
  }

  private static double largest(double[] g) {
    double most = 0;
    for (double v : g) {
      most = Math.max(most, Math.abs(v));
    }
    return most;
  }
}

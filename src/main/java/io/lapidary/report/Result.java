package io.lapidary.report;

import io.lapidary.Check;
import io.lapidary.metric.MetricValue;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * What an experiment found at one scale; stored as {@code experiments/<experiment>/results/
 * <scale>.json} by {@link ResultFiles}.
 */
public record Result(
    String experiment,
    String scale,
    List<Long> seeds,
    List<Claim> claims,
    List<MetricValue> metrics,
    List<Figure> figures,
    Provenance provenance) {

  /** Experiments and scales are file names: lower-case letters, digits, inner dashes. */
  static final String NAME = "[a-z0-9]+(-[a-z0-9]+)*";

  public Result {
    Check.that(
        experiment != null && experiment.matches(NAME),
        "experiment must be lower-case letters, digits and dashes, got '%s'",
        experiment);
    Check.that(
        scale != null && scale.matches(NAME),
        "scale must be lower-case letters, digits and dashes, got '%s'",
        scale);
    seeds = List.copyOf(Check.present("seeds", seeds));
    Check.that(!seeds.isEmpty(), "a result needs at least one seed");
    claims = List.copyOf(Check.present("claims", claims));
    metrics = List.copyOf(Check.present("metrics", metrics));
    figures = List.copyOf(Check.present("figures", figures));
    Check.present("provenance", provenance);
    Set<String> ids = new HashSet<>();
    for (Claim claim : claims) {
      Check.that(ids.add(claim.id()), "two claims have the id %s", claim.id());
    }
  }

  /** How many claims have this verdict. */
  public long count(Verdict verdict) {
    return claims.stream().filter(claim -> claim.verdict() == verdict).count();
  }
}

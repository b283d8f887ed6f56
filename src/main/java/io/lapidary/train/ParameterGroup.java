package io.lapidary.train;

import io.lapidary.Check;
import java.util.List;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/**
 * Parameters that train alike.
 *
 * @param match name patterns: {@code *} stands for any text and {@code ?} for one character; a
 *     pattern that starts with {@code regex:} is a regular expression for the whole name
 * @param learningRateFactor factor of the scheduled rate; 1 when left out
 * @param weightDecay coefficient; the optimizer's when left out
 * @param frozen not trained and not differentiated; false when left out
 */
public record ParameterGroup(
    List<String> match, Double learningRateFactor, Double weightDecay, Boolean frozen) {
  private static final String REGEX = "regex:";

  /** Fills in defaults and checks patterns and ranges. */
  public ParameterGroup {
    Check.that(match != null && !match.isEmpty(), "a parameter group needs at least one match");
    match = List.copyOf(match);
    learningRateFactor = learningRateFactor == null ? 1 : learningRateFactor;
    frozen = frozen != null && frozen;
    Check.between("learningRateFactor", learningRateFactor, 0, 1e6);
    if (weightDecay != null) {
      Check.between("weightDecay", weightDecay, 0, 1e6);
    }
    match.forEach(ParameterGroup::pattern);
  }

  /** A group that is not trained. */
  public static ParameterGroup frozen(String... match) {
    return new ParameterGroup(List.of(match), null, null, true);
  }

  /** A group without weight decay, as usual for biases and norm gains. */
  public static ParameterGroup noDecay(String... match) {
    return new ParameterGroup(List.of(match), null, 0.0, null);
  }

  /** Whether one of the patterns fits the whole name. */
  public boolean matches(String name) {
    return match.stream().anyMatch(text -> pattern(text).matcher(name).matches());
  }

  static Pattern pattern(String text) {
    if (text.startsWith(REGEX)) {
      try {
        return Pattern.compile(text.substring(REGEX.length()));
      } catch (PatternSyntaxException e) {
        throw new IllegalArgumentException(
            "match '" + text + "' is not a regular expression: " + e.getDescription(), e);
      }
    }
    StringBuilder regex = new StringBuilder();
    for (char c : text.toCharArray()) {
      regex.append(
          switch (c) {
            case '*' -> ".*";
            case '?' -> ".";
            default -> Pattern.quote(String.valueOf(c));
          });
    }
    return Pattern.compile(regex.toString(), Pattern.DOTALL);
  }
}

package io.lapidary.train;

import io.lapidary.Check;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * Gives every parameter exactly one group: the first that matches, else the default group (rate
 * factor 1, the optimizer's decay, trained).
 */
public final class ParameterGroups {
  private static final ParameterGroup DEFAULT = new ParameterGroup(List.of("*"), null, null, null);

  private final List<ParameterGroup> groups;

  /** Groups in order of precedence. */
  public ParameterGroups(List<ParameterGroup> groups) {
    this.groups = List.copyOf(groups);
  }

  /**
   * The group of each parameter, in the order given.
   *
   * @throws IllegalArgumentException naming a pattern that fits no parameter, or when nothing is
   *     left to train
   */
  public Map<String, ParameterGroup> assign(Collection<String> names) {
    for (ParameterGroup group : groups) {
      for (String text : group.match()) {
        Pattern pattern = ParameterGroup.pattern(text);
        Check.that(
            names.stream().anyMatch(name -> pattern.matcher(name).matches()),
            "match '%s' of a parameter group fits none of the %d parameters, such as %s",
            text,
            names.size(),
            names.stream().limit(3).toList());
      }
    }
    Map<String, ParameterGroup> assigned = new LinkedHashMap<>();
    for (String name : names) {
      assigned.put(
          name, groups.stream().filter(group -> group.matches(name)).findFirst().orElse(DEFAULT));
    }
    Check.that(
        assigned.values().stream().anyMatch(group -> !group.frozen()),
        "nothing to train: all of the %d parameters are frozen",
        names.size());
    return assigned;
  }
}

package io.lapidary.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ParameterGroupsTest {
  private static final List<String> NAMES =
      List.of("vision.layers.0.weight", "vision.layers.0.bias", "text.weight", "text.bias", "x+y");

  @Test
  void theFirstMatchWinsAndOthersGetTheDefault() {
    ParameterGroup frozen = ParameterGroup.frozen("vision.*.weight");
    ParameterGroup bias = ParameterGroup.noDecay("*.bias", "x+?");
    ParameterGroup vision = new ParameterGroup(List.of("regex:vision\\..*"), 0.1, null, null);
    Map<String, ParameterGroup> assigned =
        new ParameterGroups(List.of(frozen, bias, vision)).assign(NAMES);
    assertThat(assigned.keySet()).containsExactlyElementsOf(NAMES);
    assertThat(assigned.get("vision.layers.0.weight")).isSameAs(frozen);
    assertThat(assigned.get("vision.layers.0.bias")).isSameAs(bias);
    assertThat(assigned.get("text.bias")).isSameAs(bias);
    assertThat(assigned.get("x+y")).isSameAs(bias);
    assertThat(assigned.get("text.weight").learningRateFactor()).isEqualTo(1);
    assertThat(assigned.get("text.weight").weightDecay()).isNull();
    assertThat(assigned.get("text.weight").frozen()).isFalse();
  }

  @Test
  void mistakesAreNamed() {
    assertThatThrownBy(
            () -> new ParameterGroups(List.of(ParameterGroup.frozen("visoin.*"))).assign(NAMES))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("visoin.*");
    assertThatThrownBy(() -> new ParameterGroups(List.of(ParameterGroup.frozen("*"))).assign(NAMES))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("nothing to train");
    assertThatThrownBy(() -> ParameterGroup.frozen("regex:a("))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("regex:a(");
  }
}

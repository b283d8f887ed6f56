package io.lapidary.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class ScheduleTest {
  private static void assertRates(Schedule schedule, double... rates) {
    for (int step = 0; step < rates.length; step++) {
      assertThat(schedule.rate(step)).as("step %d", step).isCloseTo(rates[step], within(1e-12));
    }
  }

  @Test
  void warmupThenCosineEndsAtTheFloor() {
    Schedule schedule = ScheduleConfig.cosine(4, 0.1).create(2, 8);
    assertRates(
        schedule,
        0.5,
        1,
        1.5,
        2,
        2,
        0.2 + 0.9 * (1 + Math.sqrt(0.5)),
        1.1,
        0.2 + 0.9 * (1 - Math.sqrt(0.5)),
        0.2,
        0.2);
  }

  @Test
  void otherShapes() {
    assertRates(ScheduleConfig.constant().create(3, -1), 3, 3, 3);
    assertRates(
        new ScheduleConfig(ScheduleConfig.Type.LINEAR, 2L, 0.5, null, null, null).create(4, 6),
        2,
        4,
        4,
        3.5,
        3,
        2.5,
        2,
        2);
    assertRates(
        new ScheduleConfig(ScheduleConfig.Type.STEP, null, null, 2L, 0.5, null).create(8, -1),
        8,
        8,
        4,
        4,
        2);
    Schedule root =
        new ScheduleConfig(ScheduleConfig.Type.INVERSE_SQRT, 4L, null, null, null, null)
            .create(1, -1);
    assertRates(root, 0.25, 0.5, 0.75, 1, 1);
    assertThat(root.rate(4 + 12)).isCloseTo(0.5, within(1e-12));
  }

  @Test
  void aScheduleThatNeedsTheEndSaysSo() {
    assertThatThrownBy(() -> ScheduleConfig.cosine(0, 0).create(1, -1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("set steps");
    assertThatThrownBy(() -> ScheduleConfig.cosine(20, 0).create(1, 10))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("warmupSteps");
    assertThatThrownBy(
            () -> new ScheduleConfig(ScheduleConfig.Type.STEP, null, null, null, null, null))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("every");
  }
}

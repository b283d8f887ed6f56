package io.lapidary.io;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class HalfFloatsTest {

  @Test
  void bf16WorkedNumbers() {
    assertThat(HalfFloats.toBf16(1.0f)).isEqualTo((short) 0x3F80);
    assertThat(HalfFloats.fromBf16(HalfFloats.toBf16(3.140625f))).isEqualTo(3.140625f);
    assertThat(HalfFloats.toBf16(1.00390625f)).isEqualTo((short) 0x3F80);
    assertThat(HalfFloats.toBf16(1.01171875f)).isEqualTo((short) 0x3F82);
    assertThat(HalfFloats.fromBf16(HalfFloats.toBf16(Float.NaN))).isNaN();
    assertThat(HalfFloats.fromBf16(HalfFloats.toBf16(Float.intBitsToFloat(0x7f800001)))).isNaN();
    assertThat(HalfFloats.toBf16(Float.NEGATIVE_INFINITY)).isEqualTo((short) 0xFF80);
    assertThat(HalfFloats.toBf16(Float.MAX_VALUE)).isEqualTo((short) 0x7F80);
  }

  @Test
  void f16WorkedNumbers() {
    assertThat(HalfFloats.fromF16((short) 0x3C00)).isEqualTo(1f);
    assertThat(HalfFloats.fromF16((short) 0x0001)).isEqualTo(0x1p-24f);
    assertThat(HalfFloats.fromF16((short) 0x7C00)).isEqualTo(Float.POSITIVE_INFINITY);
    assertThat(HalfFloats.toF16(65519.996f)).isEqualTo((short) 0x7BFF);
    assertThat(HalfFloats.toF16(65520f)).isEqualTo((short) 0x7C00);
    assertThat(HalfFloats.toF16(1f + 0x1p-11f)).isEqualTo((short) 0x3C00); // tie, even below
    assertThat(HalfFloats.toF16(1f + 3 * 0x1p-11f)).isEqualTo((short) 0x3C02); // tie, even above
    assertThat(HalfFloats.toF16(0x1p-25f)).isEqualTo((short) 0); // tie between 0 and the smallest
    assertThat(HalfFloats.toF16(Math.nextUp(0x1p-25f))).isEqualTo((short) 1);
    assertThat(HalfFloats.toF16(Math.nextDown(0x1p-14f))).isEqualTo((short) 0x0400);
    assertThat(HalfFloats.toF16(-0f)).isEqualTo((short) 0x8000);
    assertThat(HalfFloats.fromF16(HalfFloats.toF16(Float.intBitsToFloat(0x7f800001)))).isNaN();
  }

  @Test
  void everyPatternSurvivesTheRoundTrip() {
    for (int bits = 0; bits < 1 << 16; bits++) {
      float half = HalfFloats.fromF16((short) bits);
      assertSame(bits, HalfFloats.toF16(half), half);
      float brain = HalfFloats.fromBf16((short) bits);
      assertSame(bits, HalfFloats.toBf16(brain), brain);
    }
  }

  @Test
  void f16IsTheNearestOfItsNeighbours() {
    SplittableRandom random = new SplittableRandom(5);
    for (int i = 0; i < 100_000; i++) {
      float value = Math.abs(Float.intBitsToFloat(0x32000000 + random.nextInt(0x15000000)));
      short bits = HalfFloats.toF16(value);
      if (bits == 0x7C00 || bits == 0) {
        continue;
      }
      double error = Math.abs(HalfFloats.fromF16(bits) - (double) value);
      double below = Math.abs(HalfFloats.fromF16((short) (bits - 1)) - (double) value);
      double above = Math.abs(HalfFloats.fromF16((short) (bits + 1)) - (double) value);
      assertThat(error).as("value %s", value).isLessThanOrEqualTo(Math.min(below, above));
    }
  }

  private static void assertSame(int bits, short again, float value) {
    if (Float.isNaN(value)) {
      return; // signalling NaNs may turn quiet
    }
    if ((short) bits != again) {
      throw new AssertionError(
          String.format("0x%04x became 0x%04x through %s", bits, again & 0xffff, value));
    }
  }
}

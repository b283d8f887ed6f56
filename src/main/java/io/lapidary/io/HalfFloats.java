package io.lapidary.io;

/**
 * Conversions between 32-bit floats and the two 16-bit formats: IEEE half precision (F16: 1 sign, 5
 * exponent, 10 fraction bits) and bfloat16 (BF16: the upper half of a float). Rounding is to
 * nearest, ties to even; overflow gives infinity; NaN stays NaN.
 */
public final class HalfFloats {
  private HalfFloats() {}

  /** The value of a half-precision number given by its bits. Exact. */
  public static float fromF16(short bits) {
    int sign = (bits & 0x8000) << 16;
    int exponent = (bits >>> 10) & 0x1f;
    int fraction = bits & 0x3ff;
    if (exponent == 0x1f) {
      return Float.intBitsToFloat(sign | 0x7f800000 | fraction << 13);
    }
    if (exponent == 0) { // zero or subnormal: fraction * 2^-24
      float magnitude = fraction * 0x1p-24f;
      return sign == 0 ? magnitude : -magnitude;
    }
    return Float.intBitsToFloat(sign | (exponent + 112) << 23 | fraction << 13);
  }

  /** The bits of the half-precision number nearest to {@code value}. */
  public static short toF16(float value) {
    int bits = Float.floatToRawIntBits(value);
    int sign = (bits >>> 16) & 0x8000;
    int magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000) { // NaN: keep the upper payload bits, force a quiet one
      return (short) (sign | 0x7e00 | (magnitude >>> 13 & 0x3ff));
    }
    if (magnitude >= 0x477ff000) { // 65520 and above round to infinity
      return (short) (sign | 0x7c00);
    }
    if (magnitude < 0x38800000) { // below 2^-14: a multiple of 2^-24, exact after Math.rint
      float units = Float.intBitsToFloat(magnitude) * 0x1p24f;
      return (short) (sign | (int) Math.rint(units));
    }
    int rounded = magnitude + 0xfff + (magnitude >>> 13 & 1); // may carry into the exponent
    return (short) (sign | (rounded - 0x38000000) >>> 13);
  }

  /** The value of a bfloat16 number given by its bits. Exact. */
  public static float fromBf16(short bits) {
    return Float.intBitsToFloat(bits << 16);
  }

  /** The bits of the bfloat16 number nearest to {@code value}. */
  public static short toBf16(float value) {
    int bits = Float.floatToRawIntBits(value);
    if (Float.isNaN(value)) {
      return (short) (bits >>> 16 | 0x40);
    }
    return (short) (bits + 0x7fff + (bits >>> 16 & 1) >>> 16);
  }
}

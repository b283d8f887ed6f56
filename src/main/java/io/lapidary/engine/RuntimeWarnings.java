package io.lapidary.engine;

import io.lapidary.engine.Runtime.Gpu;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** What will be slow or will not work on this machine, in plain words with the remedy. */
final class RuntimeWarnings {
  /** The extension by which the launcher asks for the generic variant. */
  private static final String GENERIC = "-generic";

  private RuntimeWarnings() {}

  /**
   * The native library in use.
   *
   * @param loaded variant that was loaded
   * @param platform name of the generic variant
   * @param wanted extension that was asked for, empty for none
   * @param avx2 whether the CPU has AVX2 and a faster variant exists
   * @param launcher whether the launcher started the program
   */
  static Optional<String> variant(
      String loaded, String platform, String wanted, boolean avx2, boolean launcher) {
    if (!loaded.equals(platform)) {
      return Optional.empty();
    }
    if (!wanted.isEmpty() && !wanted.equals(GENERIC)) {
      return Optional.of(
          "the native variant " + wanted + " is not on the class path, the generic one is used");
    }
    if (!avx2) {
      return Optional.empty();
    }
    return Optional.of(
        "the generic native library is used though this CPU has AVX2, and convolutions are several"
            + " times slower; "
            + (launcher
                ? "unset LAPIDARY_NATIVE, or set it to onednn-avx2"
                : "start with the launcher bin/lapidary, or pass"
                    + " -Dorg.bytedeco.javacpp.platform.extension=-onednn-avx2"));
  }

  /** The threads of one operation; {@code setting} is OMP_NUM_THREADS or null. */
  static Stream<String> threads(String setting, int threads, int processors) {
    Stream.Builder<String> warnings = Stream.builder();
    if (setting == null) {
      warnings.add(
          "OMP_NUM_THREADS is not set, so "
              + threads
              + " threads are used; the launcher sets it to the number of physical cores");
    }
    if (threads > processors) {
      warnings.add(
          String.format(
              "%d threads share %d processors and will wait for each other; set OMP_NUM_THREADS=%d",
              threads, processors, processors));
    }
    return warnings.build();
  }

  /**
   * The memory limits in bytes; 0 means unknown for the machine, and no limit for the others.
   *
   * @param machine what the machine or the container has
   * @param heap limit of the Java heap
   * @param arrays limit of the memory for arrays
   * @param process limit of the whole process
   */
  static Optional<String> memory(long machine, long heap, long arrays, long process) {
    boolean unlimited = arrays == 0 && process == 0;
    long most = process > 0 ? Math.min(process, heap + arrays) : heap + arrays;
    if (machine <= 0 || (!unlimited && most <= 0.9 * machine)) {
      return Optional.empty();
    }
    return Optional.of(
        String.format(
            "heap (%s) and arrays (%s) may take all of the machine's %s, and the process would be"
                + " killed instead of reporting it; lower LAPIDARY_HEAP or LAPIDARY_OFFHEAP",
            Runtime.size(heap), Runtime.limit(arrays), Runtime.size(machine)));
  }

  /** The cards that the CUDA libraries hold no code for. */
  static Stream<String> gpus(List<Gpu> gpus) {
    return gpus.stream()
        .filter(gpu -> !gpu.supported())
        .map(gpu -> gpu + " cannot run this program: " + NativeLibrary.CUDA_NEEDS);
  }
}

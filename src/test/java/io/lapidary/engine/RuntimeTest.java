package io.lapidary.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.lapidary.engine.Runtime.Gpu;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RuntimeTest {
  private static final long GIB = 1L << 30;

  @Test
  void readsWhatItRunsOn() {
    Runtime runtime = Runtime.check();
    assertThat(runtime.backend()).isIn("cpu", "cuda");
    assertThat(runtime.nd4jVersion()).isEqualTo("1.0.0-M2.1");
    assertThat(runtime.threads()).isPositive();
    assertThat(runtime.heapBytes()).isPositive();
    assertThat(runtime.nativeVariant()).isNotEqualTo("unknown");
    assertThat(runtime.oneDnn()).isEqualTo(runtime.nativeVariant().contains("onednn"));
    assertThat(runtime.describe()).containsKeys("backend", "native", "blas", "threads", "memory");
    assertThat(runtime.describe().values()).noneMatch(String::isBlank);
  }

  @ParameterizedTest
  @CsvSource({
    "3, 5, false",
    "3, 7, true",
    "5, 0, true",
    "7, 0, true",
    "7, 5, true",
    "8, 0, true",
    "8, 6, true",
    "8, 9, true",
    "9, 0, false",
    "10, 0, false",
    "12, 0, false",
  })
  void knowsWhichCardsHaveCode(int major, int minor, boolean supported) {
    Gpu gpu = new Gpu("card", major, minor, 16 * GIB);
    assertThat(gpu.supported()).isEqualTo(supported);
    assertThat(RuntimeWarnings.gpus(List.of(gpu)).toList()).hasSize(supported ? 0 : 1);
    assertThat(gpu.toString())
        .isEqualTo("card, compute capability " + major + "." + minor + ", 16.0 GiB");
  }

  @Test
  void warnsOfAGenericLibraryOnAFastCpu() {
    String generic = "linux-x86_64";
    assertThat(RuntimeWarnings.variant(generic, generic, "", true, false).orElseThrow())
        .contains("launcher");
    assertThat(RuntimeWarnings.variant(generic, generic, "", true, true).orElseThrow())
        .contains("LAPIDARY_NATIVE");
    assertThat(RuntimeWarnings.variant(generic, generic, "-generic", true, true).orElseThrow())
        .contains("LAPIDARY_NATIVE");
    assertThat(RuntimeWarnings.variant(generic, generic, "-avx2", true, true).orElseThrow())
        .contains("-avx2 is not on the class path");
    assertThat(RuntimeWarnings.variant(generic, generic, "", false, false)).isEmpty();
    assertThat(RuntimeWarnings.variant(generic + "-onednn-avx2", generic, "", true, true))
        .isEmpty();
  }

  @Test
  void warnsOfThreads() {
    assertThat(RuntimeWarnings.threads("4", 4, 4).toList()).isEmpty();
    assertThat(RuntimeWarnings.threads(null, 4, 4).toList()).hasSize(1);
    assertThat(RuntimeWarnings.threads("8", 8, 2).toList())
        .singleElement()
        .asString()
        .contains("OMP_NUM_THREADS=2");
  }

  @Test
  void warnsOfLimitsNearTheMachinesMemory() {
    assertThat(RuntimeWarnings.memory(16 * GIB, 4 * GIB, 8 * GIB, 13 * GIB)).isEmpty();
    assertThat(RuntimeWarnings.memory(16 * GIB, 4 * GIB, 14 * GIB, 19 * GIB)).isPresent();
    assertThat(RuntimeWarnings.memory(16 * GIB, 4 * GIB, 0, 0)).isPresent();
    assertThat(RuntimeWarnings.memory(0, 4 * GIB, 0, 0)).isEmpty();
  }
}

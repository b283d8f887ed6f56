package io.lapidary.engine;

import io.lapidary.InputException;
import io.lapidary.engine.Runtime.Gpu;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.bytedeco.javacpp.Loader;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Loads ND4J's native library, tries it, and words what can go wrong with it. */
final class NativeLibrary {
  private static final int COMPUTE_CAPABILITY_MAJOR = 75; // cudaDeviceAttr
  private static final int COMPUTE_CAPABILITY_MINOR = 76;
  private static final String CUDA_BACKEND = "org.nd4j.linalg.jcublas.JCublasBackend";
  private static final String CPU_BACKEND = "org.nd4j.linalg.cpu.nativecpu.CpuBackend";
  static final String CUDA_NEEDS =
      "the CUDA build needs an NVIDIA card of compute capability 3.7 to 8.9 (for example T4, V100,"
          + " A100, A10, RTX 20/30/40) and driver 510 or newer; H100, H200 and RTX 50 cannot run it";

  private NativeLibrary() {}

  static void load() {
    if (present(CUDA_BACKEND) && !present(CPU_BACKEND)) {
      probeCuda();
    }
    try {
      Nd4j.getBackend();
    } catch (LinkageError | RuntimeException e) {
      throw new InputException(loadFailure(e), e);
    }
  }

  private static String loadFailure(Throwable failure) {
    String reason = rootReason(failure);
    if (present(CUDA_BACKEND)) {
      return noGpu(reason);
    }
    if (present(CPU_BACKEND)) {
      return "the native library for "
          + Loader.getPlatform()
          + " did not load ("
          + reason
          + "): expected nd4j-native, openblas and javacpp jars with that classifier on the class"
          + " path and a writable "
          + System.getProperty("user.home")
          + "/.javacpp; build again on this system with: mvn -q -DskipTests package";
    }
    return "no ND4J backend on the class path; start with target/lapidary/bin/lapidary or add"
        + " org.nd4j:nd4j-native";
  }

  private static String noGpu(String reason) {
    return "no usable GPU ("
        + reason
        + "): "
        + CUDA_NEEDS
        + "; for the CPU build without -Pcuda: mvn -q -DskipTests package";
  }

  /**
   * Asks the CUDA run-time library for a card that can be used, before ND4J does and prints a stack
   * trace. By reflection, since the CPU build has no such library.
   */
  private static void probeCuda() {
    try {
      Class<?> cudart = Class.forName("org.bytedeco.cuda.global.cudart");
      int[] count = new int[1];
      int code = (int) cudart.getMethod("cudaGetDeviceCount", int[].class).invoke(null, count);
      if (code != 0 || count[0] == 0) {
        throw new InputException(noGpu("the driver reports no card, CUDA error " + code));
      }
      Method attribute =
          cudart.getMethod("cudaDeviceGetAttribute", int[].class, int.class, int.class);
      List<String> found = new ArrayList<>();
      for (int device = 0; device < count[0]; device++) {
        int[] major = new int[1];
        int[] minor = new int[1];
        attribute.invoke(null, major, COMPUTE_CAPABILITY_MAJOR, device);
        attribute.invoke(null, minor, COMPUTE_CAPABILITY_MINOR, device);
        if (new Gpu("", major[0], minor[0], 0).supported()) {
          return;
        }
        found.add(major[0] + "." + minor[0]);
      }
      throw new InputException(noGpu("found compute capability " + String.join(", ", found)));
    } catch (ReflectiveOperationException | LinkageError e) {
      throw new InputException(noGpu(rootReason(e)), e);
    }
  }

  static void tryProduct(List<Gpu> gpus) {
    try (INDArray ones = Nd4j.ones(DataType.FLOAT, 8, 8);
        INDArray product = ones.mmul(ones)) {
      float sum = product.sumNumber().floatValue();
      if (sum != 512f) {
        throw InputException.of(
            "a product of two 8x8 matrices of ones summed to %s instead of 512: the native library"
                + " does not compute on %s",
            sum,
            gpus.isEmpty() ? "this CPU; set LAPIDARY_NATIVE=generic" : gpus + "; " + CUDA_NEEDS);
      }
    } catch (LinkageError | RuntimeException e) {
      if (e instanceof InputException input) {
        throw input;
      }
      throw new InputException(
          "the native library loaded but did not compute on "
              + (gpus.isEmpty() ? "this CPU" : gpus)
              + " ("
              + rootReason(e)
              + "): "
              + (gpus.isEmpty() ? "try LAPIDARY_NATIVE=generic" : CUDA_NEEDS),
          e);
    }
  }

  private static boolean present(String className) {
    try {
      Class.forName(className, false, Runtime.class.getClassLoader());
      return true;
    } catch (ClassNotFoundException | LinkageError e) {
      return false;
    }
  }

  private static String rootReason(Throwable failure) {
    Throwable root = failure;
    while (root.getCause() != null && root.getCause() != root) {
      root = root.getCause();
    }
    String message = root.getMessage();
    return message == null || message.isBlank()
        ? root.getClass().getSimpleName()
        : message.lines().map(String::strip).collect(Collectors.joining(" "));
  }
}

package io.lapidary.engine;

import io.lapidary.InputException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.Pointer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.nativeblas.NativeOps;
import org.nd4j.nativeblas.NativeOpsHolder;

/**
 * What the arrays run on in this process. {@link #check()} is the first thing a command calls that
 * needs arrays: it loads the native library and words every failure to do so.
 *
 * @param backend {@code cpu} or {@code cuda}
 * @param nd4jVersion version of ND4J, or {@code unknown}
 * @param nativeVariant the native library that was loaded, e.g. {@code linux-x86_64-onednn-avx512}
 * @param blas the BLAS library
 * @param oneDnn whether oneDNN kernels are built in and allowed
 * @param threads threads of one operation
 * @param heapBytes limit of the Java heap
 * @param offHeapBytes limit of the memory for arrays, 0 when there is none
 * @param processBytes limit of the whole process at which allocation fails, 0 when there is none
 * @param vectorApi whether the Vector API module was loaded at start
 * @param gpus the graphics cards, empty on the CPU
 * @param warnings what will be slow or will not work, in plain words
 */
public record Runtime(
    String backend,
    String nd4jVersion,
    String nativeVariant,
    String blas,
    boolean oneDnn,
    int threads,
    long heapBytes,
    long offHeapBytes,
    long processBytes,
    boolean vectorApi,
    List<Gpu> gpus,
    List<String> warnings) {

  private static final Pattern VARIANT =
      Pattern.compile("[/\\\\]bindings[/\\\\]([^/\\\\]+)[/\\\\]");
  private static final int COMPUTE_CAPABILITY_MAJOR = 75; // cudaDeviceAttr
  private static final int COMPUTE_CAPABILITY_MINOR = 76;
  private static final String CUDA_BACKEND = "org.nd4j.linalg.jcublas.JCublasBackend";
  private static final String CPU_BACKEND = "org.nd4j.linalg.cpu.nativecpu.CpuBackend";
  private static final String CUDA_NEEDS =
      "the CUDA build needs an NVIDIA card of compute capability 3.7 to 8.9 (for example T4, V100,"
          + " A100, A10, RTX 20/30/40) and driver 510 or newer; H100, H200 and RTX 50 cannot run it";

  /** One graphics card. */
  public record Gpu(String name, int major, int minor, long memoryBytes) {
    /**
     * Whether the CUDA libraries hold code for it: they contain machine code for 3.7 to 8.6, which
     * also runs on later cards of the same major number, and no PTX to compile for others.
     */
    public boolean supported() {
      return (major == 3 && minor >= 7) || (major >= 5 && major <= 8);
    }

    @Override
    public String toString() {
      return String.format(
          Locale.ROOT, "%s, compute capability %d.%d, %s", name, major, minor, size(memoryBytes));
    }
  }

  /** Copies the lists. */
  public Runtime {
    gpus = List.copyOf(gpus);
    warnings = List.copyOf(warnings);
  }

  /**
   * Loads the native library, runs one small product on it and reads what it is.
   *
   * @throws InputException when the library does not load or does not compute, with the remedy
   */
  public static Runtime check() {
    load();
    NativeOps ops = NativeOpsHolder.getInstance().getDeviceNativeOps();
    boolean cpu = Nd4j.getEnvironment().isCPU();
    List<Gpu> gpus = cpu ? List.of() : gpus(ops);
    product(gpus);
    String variant = loadedVariant();
    int threads = Nd4j.getEnvironment().maxThreads();
    return new Runtime(
        cpu ? "cpu" : "cuda",
        readNd4jVersion(),
        variant,
        Nd4j.factory().blas().getBlasVendor().toString(),
        cpu && ops.buildInfo().contains("HAVE_ONEDNN") && Nd4j.getEnvironment().helpersAllowed(),
        threads,
        java.lang.Runtime.getRuntime().maxMemory(),
        Pointer.maxBytes(),
        Pointer.maxPhysicalBytes(),
        ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent(),
        gpus,
        warnings(variant, cpu && hasAvx2(), threads, gpus));
  }

  /** The facts as name and value, in reading order; the warnings are not among them. */
  public Map<String, String> describe() {
    Map<String, String> lines = new LinkedHashMap<>();
    lines.put(
        "cpu",
        cpuName() + ", " + java.lang.Runtime.getRuntime().availableProcessors() + " processors");
    lines.put("backend", backend + " (nd4j " + nd4jVersion + ")");
    lines.put("native", nativeVariant);
    lines.put("blas", blas);
    lines.put("oneDNN", oneDnn ? "on" : "off");
    lines.put("threads", Integer.toString(threads));
    lines.put(
        "memory",
        String.format(
            "heap %s, arrays %s, process %s, machine %s",
            size(heapBytes), limit(offHeapBytes), limit(processBytes), size(machineBytes())));
    lines.put("vector API", vectorApi ? "available" : "not available");
    for (int i = 0; i < gpus.size(); i++) {
      lines.put("gpu " + i, gpus.get(i).toString());
    }
    return lines;
  }

  private static void load() {
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

  private static void product(List<Gpu> gpus) {
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

  private static List<Gpu> gpus(NativeOps ops) {
    List<Gpu> gpus = new ArrayList<>();
    for (int i = 0; i < ops.getAvailableDevices(); i++) {
      gpus.add(
          new Gpu(
              ops.getDeviceName(i),
              ops.getDeviceMajor(i),
              ops.getDeviceMinor(i),
              ops.getDeviceTotalMemory(i)));
    }
    return gpus;
  }

  private static List<String> warnings(
      String variant, boolean fastCpu, int threads, List<Gpu> gpus) {
    List<String> warnings = new ArrayList<>();
    String wanted = System.getProperty("org.bytedeco.javacpp.platform.extension", "");
    boolean generic = variant.equals(Loader.getPlatform());
    if (generic && !wanted.isEmpty()) {
      warnings.add(
          "the native variant " + wanted + " is not on the class path, the generic one is used");
    } else if (generic && fastCpu && !Boolean.getBoolean("lapidary.launcher")) {
      warnings.add(
          "the generic native library is used though this CPU has AVX2, and convolutions are several"
              + " times slower; start with the launcher bin/lapidary, or pass"
              + " -Dorg.bytedeco.javacpp.platform.extension=-onednn-avx2");
    } else if (generic && fastCpu) {
      warnings.add(
          "the generic native library is used though this CPU has AVX2, and convolutions are several"
              + " times slower; unset LAPIDARY_NATIVE, or set it to onednn-avx2");
    }
    if (System.getenv("OMP_NUM_THREADS") == null) {
      warnings.add(
          "OMP_NUM_THREADS is not set, so "
              + threads
              + " threads are used; the launcher sets it to the number of physical cores");
    }
    int processors = java.lang.Runtime.getRuntime().availableProcessors();
    if (threads > processors) {
      warnings.add(
          String.format(
              "%d threads share %d processors and will wait for each other; set OMP_NUM_THREADS=%d",
              threads, processors, processors));
    }
    memoryWarning().ifPresent(warnings::add);
    for (Gpu gpu : gpus) {
      if (!gpu.supported()) {
        warnings.add(gpu + " cannot run this program: " + CUDA_NEEDS);
      }
    }
    return warnings;
  }

  private static Optional<String> memoryWarning() {
    long machine = machineBytes();
    long heap = java.lang.Runtime.getRuntime().maxMemory();
    long arrays = Pointer.maxBytes();
    boolean unlimited = arrays == 0 && Pointer.maxPhysicalBytes() == 0;
    if (machine <= 0 || (!unlimited && heap + arrays <= 0.9 * machine)) {
      return Optional.empty();
    }
    return Optional.of(
        String.format(
            "heap (%s) and arrays (%s) may take all of the machine's %s, and the process would be"
                + " killed instead of reporting it; lower LAPIDARY_HEAP or LAPIDARY_OFFHEAP",
            size(heap), limit(arrays), size(machine)));
  }

  private static String loadedVariant() {
    for (String path : Loader.getLoadedLibraries().values()) {
      Matcher matcher = VARIANT.matcher(path);
      if (matcher.find()) {
        return matcher.group(1);
      }
    }
    return "unknown";
  }

  private static String readNd4jVersion() {
    Properties properties = new Properties();
    String pom = "/META-INF/maven/org.nd4j/nd4j-api/pom.properties";
    try (InputStream in = Nd4j.class.getResourceAsStream(pom)) {
      if (in != null) {
        properties.load(in);
      }
    } catch (IOException e) {
      return "unknown";
    }
    return properties.getProperty("version", "unknown");
  }

  private static String cpuName() {
    return cpuInfo("model name").orElse(System.getProperty("os.arch"));
  }

  private static boolean hasAvx2() {
    return cpuInfo("flags").map(flags -> List.of(flags.split(" ")).contains("avx2")).orElse(false);
  }

  private static Optional<String> cpuInfo(String key) {
    try (Stream<String> lines = Files.lines(Path.of("/proc/cpuinfo"))) {
      return lines
          .filter(line -> line.startsWith(key))
          .map(line -> line.substring(line.indexOf(':') + 1).strip())
          .findFirst();
    } catch (IOException | UncheckedIOException e) { // not Linux
      return Optional.empty();
    }
  }

  private static long machineBytes() {
    return ManagementFactory.getOperatingSystemMXBean()
            instanceof com.sun.management.OperatingSystemMXBean system
        ? system.getTotalMemorySize()
        : 0;
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

  private static String limit(long bytes) {
    return bytes == 0 ? "without limit" : size(bytes);
  }

  private static String size(long bytes) {
    return String.format(Locale.ROOT, "%.1f GiB", bytes / (double) (1L << 30));
  }
}

package io.lapidary.engine;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
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
import java.util.stream.Stream;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.Pointer;
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
   * @throws io.lapidary.InputException when the library does not load or does not compute, with the
   *     remedy
   */
  public static Runtime check() {
    NativeLibrary.load();
    NativeOps ops = NativeOpsHolder.getInstance().getDeviceNativeOps();
    boolean cpu = Nd4j.getEnvironment().isCPU();
    List<Gpu> gpus = cpu ? List.of() : gpus(ops);
    NativeLibrary.tryProduct(gpus);
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
    java.lang.Runtime jvm = java.lang.Runtime.getRuntime();
    List<String> warnings = new ArrayList<>();
    RuntimeWarnings.variant(
            variant,
            Loader.getPlatform(),
            System.getProperty("org.bytedeco.javacpp.platform.extension", ""),
            fastCpu,
            Boolean.getBoolean("lapidary.launcher"))
        .ifPresent(warnings::add);
    RuntimeWarnings.threads(System.getenv("OMP_NUM_THREADS"), threads, jvm.availableProcessors())
        .forEach(warnings::add);
    RuntimeWarnings.memory(
            machineBytes(), jvm.maxMemory(), Pointer.maxBytes(), Pointer.maxPhysicalBytes())
        .ifPresent(warnings::add);
    RuntimeWarnings.gpus(gpus).forEach(warnings::add);
    return warnings;
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

  static String limit(long bytes) {
    return bytes == 0 ? "without limit" : size(bytes);
  }

  static String size(long bytes) {
    return String.format(Locale.ROOT, "%.1f GiB", bytes / (double) (1L << 30));
  }
}

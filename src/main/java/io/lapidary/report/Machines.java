package io.lapidary.report;

import io.lapidary.BuildInfo;
import io.lapidary.report.Provenance.Machine;
import java.io.IOException;
import java.io.InputStream;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Properties;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Reads what this process runs on, without starting another program or the native library. */
public final class Machines {
  /** Stands where something cannot be found out. */
  public static final String UNKNOWN = "unknown";

  private Machines() {}

  /**
   * This machine.
   *
   * @param threads native threads in use
   * @param device what computes, for example {@code cpu, onednn-avx512}
   */
  public static Machine here(int threads, String device) {
    BuildInfo build = BuildInfo.read();
    return new Machine(
        commit(build),
        build.version(),
        nd4jVersion(),
        System.getProperty("java.version") + " (" + System.getProperty("java.vendor") + ")",
        System.getProperty("os.name")
            + " "
            + System.getProperty("os.version")
            + " "
            + System.getProperty("os.arch"),
        cpu(Path.of("/proc/cpuinfo")),
        threads,
        device);
  }

  /**
   * The commit checked out in the repository around {@code folder}: read from the files of the
   * repository, so it works without git. Loose and packed references, detached heads and linked
   * work trees are understood; anything else gives {@value #UNKNOWN}.
   */
  public static String commit(Path folder) {
    try {
      for (Path at = folder.toAbsolutePath(); at != null; at = at.getParent()) {
        Path git = at.resolve(".git");
        if (Files.exists(git)) {
          return head(git);
        }
      }
    } catch (IOException | RuntimeException e) {
      return UNKNOWN; // provenance never stops a run
    }
    return UNKNOWN;
  }

  private static String head(Path dotGit) throws IOException {
    Path git = dotGit;
    if (Files.isRegularFile(dotGit)) { // linked work tree: "gitdir: <folder>"
      String text = Files.readString(dotGit).strip();
      git = dotGit.resolveSibling(text.substring("gitdir:".length()).strip());
    }
    Path common = git;
    if (Files.isRegularFile(git.resolve("commondir"))) {
      common = git.resolve(Files.readString(git.resolve("commondir")).strip());
    }
    String head = Files.readString(git.resolve("HEAD")).strip();
    if (!head.startsWith("ref:")) {
      return sha(head);
    }
    String name = head.substring("ref:".length()).strip();
    for (Path place : List.of(git, common)) {
      if (Files.isRegularFile(place.resolve(name))) {
        return sha(Files.readString(place.resolve(name)).strip());
      }
    }
    Path packed = common.resolve("packed-refs");
    if (Files.isRegularFile(packed)) {
      for (String line : Files.readAllLines(packed)) {
        if (line.endsWith(" " + name)) {
          return sha(line.substring(0, line.indexOf(' ')));
        }
      }
    }
    return UNKNOWN;
  }

  private static String sha(String text) {
    return text.matches("[0-9a-f]{40}|[0-9a-f]{64}") ? text : UNKNOWN;
  }

  /**
   * The folder of this program's own classes: another repository the user stands in is not ours.
   */
  private static Path codeFolder() {
    try {
      return Path.of(Machines.class.getProtectionDomain().getCodeSource().getLocation().toURI());
    } catch (URISyntaxException | RuntimeException e) {
      return null;
    }
  }

  /** The commit the build wrote down, else the one checked out around the classes. */
  private static String commit(BuildInfo build) {
    if (!build.commit().equals(BuildInfo.UNKNOWN)) {
      return build.modified() ? build.commit() + ", modified" : build.commit();
    }
    return codeFolder() == null ? UNKNOWN : commit(codeFolder());
  }

  private static String nd4jVersion() {
    return property(INDArray.class, "/META-INF/maven/org.nd4j/nd4j-api/pom.properties", "version");
  }

  private static String property(Class<?> owner, String resource, String key) {
    try (InputStream in = owner.getResourceAsStream(resource)) {
      Properties properties = new Properties();
      if (in != null) {
        properties.load(in);
      }
      String value = properties.getProperty(key, "").strip();
      return value.isEmpty() || value.startsWith("${") ? UNKNOWN : value;
    } catch (IOException | IllegalArgumentException e) {
      return UNKNOWN;
    }
  }

  static String cpu(Path cpuinfo) {
    try {
      if (Files.isReadable(cpuinfo)) {
        for (String line : Files.readAllLines(cpuinfo, StandardCharsets.UTF_8)) {
          if (line.startsWith("model name") && line.contains(":")) {
            return line.substring(line.indexOf(':') + 1).strip();
          }
        }
      }
    } catch (IOException | RuntimeException e) {
      return System.getProperty("os.arch");
    }
    String windows = System.getenv("PROCESSOR_IDENTIFIER");
    return windows != null ? windows : System.getProperty("os.arch");
  }
}

package io.lapidary.report;

import io.lapidary.Check;
import java.time.Instant;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What a result came from. Floating-point results differ between processors, thread counts and
 * native libraries, so these are part of it.
 *
 * @param startedAt when the run began
 * @param seconds wall time
 * @param machine versions, processor, threads, device
 * @param data data set name to checksum, as the run found them
 * @param config the resolved configuration: JSON values only
 */
public record Provenance(
    Instant startedAt,
    double seconds,
    Machine machine,
    Map<String, String> data,
    Map<String, Object> config) {

  public Provenance {
    Check.present("startedAt", startedAt);
    Check.that(
        Double.isFinite(seconds) && seconds >= 0, "seconds must be at least 0, got %s", seconds);
    Check.present("machine", machine);
    data = Collections.unmodifiableMap(new LinkedHashMap<>(Check.present("data", data)));
    config = Collections.unmodifiableMap(new LinkedHashMap<>(Check.present("config", config)));
  }

  /**
   * Where a run happened.
   *
   * @param commit git commit of this program's sources, or {@code unknown}
   * @param lapidary version of this program
   * @param nd4j version of ND4J
   * @param java version and vendor of the Java runtime
   * @param os operating system and architecture
   * @param cpu processor model
   * @param threads native threads of the numeric library
   * @param device {@code cpu} or the graphics card, with the native variant where known
   */
  public record Machine(
      String commit,
      String lapidary,
      String nd4j,
      String java,
      String os,
      String cpu,
      int threads,
      String device) {
    public Machine {
      Check.present("commit", commit);
      Check.present("lapidary", lapidary);
      Check.present("nd4j", nd4j);
      Check.present("java", java);
      Check.present("os", os);
      Check.present("cpu", cpu);
      Check.positive("threads", threads);
      Check.present("device", device);
    }
  }
}

package io.lapidary.model;

import io.lapidary.engine.Graph;
import io.lapidary.engine.Plan;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.nd4j.autodiff.samediff.SDVariable;

/** The plans of the shapes used last; the one unused for longest goes first. */
final class PlanCache implements AutoCloseable {
  private final int capacity;
  private final Map<String, Entry> entries = new LinkedHashMap<>(16, 0.75f, true);

  /** A compiled graph and its outputs. */
  record Entry(Plan plan, List<SDVariable> outputs) {
    static Entry of(Graph g, List<SDVariable> outputs) {
      return new Entry(Plan.compile(g, outputs), List.copyOf(outputs));
    }
  }

  PlanCache(int capacity) {
    this.capacity = capacity;
  }

  /** The entry of {@code key}, made at the first call; it is closed when others take its place. */
  Entry get(String key, Supplier<Entry> make) {
    Entry known = entries.get(key);
    if (known != null) {
      return known;
    }
    while (entries.size() >= capacity) {
      Iterator<Entry> eldest = entries.values().iterator();
      eldest.next().plan.close();
      eldest.remove();
    }
    Entry made = make.get();
    entries.put(key, made);
    return made;
  }

  @Override
  public void close() {
    entries.values().forEach(entry -> entry.plan.close());
    entries.clear();
  }
}

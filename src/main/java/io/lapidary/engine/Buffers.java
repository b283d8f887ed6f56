package io.lapidary.engine;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.nd4j.linalg.api.buffer.DataBuffer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Hands out memory slots that are used again once their tenant is dead; the memory itself is taken
 * at the end, in the largest size asked.
 */
final class Buffers implements AutoCloseable {
  /** One block of memory, tenant after tenant. */
  static final class Slot {
    private final DataType type;
    private long capacity;
    private boolean free;
    private DataBuffer buffer;

    private Slot(DataType type, long capacity) {
      this.type = type;
      this.capacity = capacity;
    }

    DataBuffer buffer() {
      if (buffer == null) {
        buffer = Nd4j.createBuffer(type, capacity, false);
      }
      return buffer;
    }
  }

  private final List<Slot> slots = new ArrayList<>();
  private long requested;

  /**
   * The smallest free slot that holds {@code length} values, else the largest free one, enlarged,
   * else a new one.
   */
  Slot take(DataType type, long length) {
    requested += length * type.width();
    Slot best =
        slots.stream()
            .filter(s -> s.free && s.type == type && s.capacity >= length)
            .min(Comparator.comparingLong(s -> s.capacity))
            .or(
                () ->
                    slots.stream()
                        .filter(s -> s.free && s.type == type)
                        .max(Comparator.comparingLong(s -> s.capacity)))
            .orElse(null);
    if (best == null) {
      best = new Slot(type, length);
      slots.add(best);
    }
    best.capacity = Math.max(best.capacity, length);
    best.free = false;
    return best;
  }

  void release(Slot slot) {
    slot.free = true;
  }

  /** Bytes of all slots. */
  long bytes() {
    return slots.stream().mapToLong(s -> s.capacity * s.type.width()).sum();
  }

  /** Bytes that would be needed without reuse. */
  long requestedBytes() {
    return requested;
  }

  @Override
  public void close() {
    for (Slot slot : slots) {
      if (slot.buffer != null && !slot.buffer.wasClosed()) {
        slot.buffer.close();
      }
    }
  }
}

package io.lapidary.engine;

import io.lapidary.Check;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.nd4j.linalg.api.buffer.DataBuffer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Gives memory to values that live for a while. When all lives are known, the largest values choose
 * first, and values whose lives do not overlap share one block.
 */
final class Buffers implements AutoCloseable {
  /** A value that needs memory from one step to another, both included. */
  static final class Tenant {
    private final DataType type;
    private final long length;
    private final int from;
    private int to = Integer.MAX_VALUE;
    private Block block;

    private Tenant(DataType type, long length, int from) {
      this.type = type;
      this.length = length;
      this.from = from;
    }

    /** Sets the last step of its life; the end of the run when not called. */
    void until(int step) {
      to = step;
    }

    /** Its memory, of at least its length, once {@link Buffers#settle} was called. */
    DataBuffer buffer() {
      return block.buffer();
    }
  }

  /** Memory, and who uses it: first to last step of each tenant. */
  private static final class Block {
    private final DataType type;
    private final long capacity;
    private final TreeMap<Integer, Integer> lives = new TreeMap<>();
    private DataBuffer buffer;

    private Block(DataType type, long capacity) {
      this.type = type;
      this.capacity = capacity;
    }

    private boolean isFree(Tenant tenant) {
      Map.Entry<Integer, Integer> before = lives.floorEntry(tenant.to);
      return before == null || before.getValue() < tenant.from;
    }

    /** Last step of the tenant before; what was used last may still be in the cache. */
    private int emptySince(Tenant tenant) {
      Map.Entry<Integer, Integer> before = lives.lowerEntry(tenant.from);
      return before == null ? -1 : before.getValue();
    }

    private DataBuffer buffer() {
      if (buffer == null) {
        buffer = Nd4j.createBuffer(type, capacity, false);
      }
      return buffer;
    }
  }

  private final List<Tenant> tenants = new ArrayList<>();
  private final List<Block> blocks = new ArrayList<>();

  /** A value of {@code length} numbers that is written first in step {@code from}. */
  Tenant take(DataType type, long length, int from) {
    Check.that(blocks.isEmpty(), "memory is given out already");
    Tenant tenant = new Tenant(type, length, from);
    tenants.add(tenant);
    return tenant;
  }

  /** Decides who shares what. */
  void settle() {
    List<Tenant> bySize = new ArrayList<>(tenants);
    bySize.sort(Comparator.comparingLong((Tenant t) -> -t.length).thenComparingInt(t -> t.from));
    for (Tenant tenant : bySize) {
      tenant.block =
          blocks.stream()
              .filter(b -> b.type == tenant.type && b.isFree(tenant))
              .min(
                  Comparator.comparingLong((Block b) -> b.capacity)
                      .thenComparingInt(b -> -b.emptySince(tenant)))
              .orElseGet(() -> added(tenant));
      tenant.block.lives.put(tenant.from, tenant.to);
    }
  }

  private Block added(Tenant tenant) {
    Block block = new Block(tenant.type, tenant.length);
    blocks.add(block);
    return block;
  }

  /** Bytes of all blocks. */
  long bytes() {
    return blocks.stream().mapToLong(b -> b.capacity * b.type.width()).sum();
  }

  /** Bytes that would be needed without sharing. */
  long requestedBytes() {
    return tenants.stream().mapToLong(t -> t.length * t.type.width()).sum();
  }

  @Override
  public void close() {
    for (Block block : blocks) {
      if (block.buffer != null && !block.buffer.wasClosed()) {
        block.buffer.close();
      }
    }
  }
}

package io.lapidary.data;

import io.lapidary.Check;
import io.lapidary.Seeds;
import java.util.ArrayList;
import java.util.List;

/**
 * Batches [batchSize, width] of activations in an order that is shuffled with bounded memory: every
 * epoch mixes the blocks of rows of all files, reads some of them into a buffer, and mixes the rows
 * within it. Each row comes once an epoch; an incomplete last batch is left out.
 */
public final class ActivationBatches implements BatchSource {
  private static final int BLOCKS_IN_BUFFER = 16;

  private final ActivationRows store;
  private final int batchSize;
  private final int bufferRows;
  private final Seeds seeds;
  private final List<Block> blocks = new ArrayList<>();

  /** Neighbouring rows of one file. */
  record Block(int shard, int from, int rows) {}

  /**
   * A source over a store.
   *
   * @param bufferRows rows held in memory, and mixed with each other; at least 16
   * @param seeds same seeds, same batches
   */
  public ActivationBatches(ActivationRows store, int batchSize, int bufferRows, Seeds seeds) {
    Check.positive("batchSize", batchSize);
    Check.that(
        bufferRows >= BLOCKS_IN_BUFFER,
        "bufferRows must be at least %d, got %d",
        BLOCKS_IN_BUFFER,
        bufferRows);
    Check.that(
        store.rows() >= batchSize,
        "%d activations give no batch of %d; take a smaller batch",
        store.rows(),
        batchSize);
    Check.that(store.rows() <= Integer.MAX_VALUE, "%d activations are too many", store.rows());
    this.store = store;
    this.batchSize = batchSize;
    this.bufferRows = bufferRows;
    this.seeds = Check.present("seeds", seeds);
    int blockRows = bufferRows / BLOCKS_IN_BUFFER;
    List<Integer> shards = store.shardRows();
    for (int shard = 0; shard < shards.size(); shard++) {
      for (int from = 0; from < shards.get(shard); from += blockRows) {
        int rows = Math.min(blockRows, shards.get(shard) - from);
        blocks.add(new Block(shard, from, rows));
      }
    }
  }

  @Override
  public int batchesPerEpoch() {
    return (int) (store.rows() / batchSize);
  }

  @Override
  public int examplesPerEpoch() {
    return batchesPerEpoch() * batchSize;
  }

  @Override
  public BatchIterator epoch(long epoch, int firstBatch) {
    Check.notNegative("epoch", epoch);
    Check.between("firstBatch", firstBatch, 0, batchesPerEpoch());
    return new ActivationIterator(this, epoch, firstBatch);
  }

  int batchSize() {
    return batchSize;
  }

  int width() {
    return store.width();
  }

  /** The buffers of an epoch, in order: blocks that together fill one. */
  List<List<Block>> buffers(long epoch) {
    int[] order = Shuffle.order(blocks.size(), seeds.stream("blocks").at(epoch));
    List<List<Block>> buffers = new ArrayList<>();
    int filled = bufferRows;
    for (int index : order) {
      Block block = blocks.get(index);
      if (filled + block.rows() > bufferRows) {
        buffers.add(new ArrayList<>());
        filled = 0;
      }
      buffers.get(buffers.size() - 1).add(block);
      filled += block.rows();
    }
    return buffers;
  }

  /** The mixed rows of one buffer, one after the other. */
  float[] rows(List<Block> buffer, long epoch, int number) {
    int width = store.width();
    int count = buffer.stream().mapToInt(Block::rows).sum();
    int[] order = Shuffle.order(count, seeds.stream("rows").at(epoch).at(number));
    float[] mixed = new float[Math.multiplyExact(count, width)];
    int row = 0;
    for (Block block : buffer) {
      double[] values = store.read(block.shard(), block.from(), block.rows());
      for (int i = 0; i < block.rows(); i++, row++) {
        for (int column = 0; column < width; column++) {
          mixed[order[row] * width + column] = (float) values[i * width + column];
        }
      }
    }
    return mixed;
  }
}

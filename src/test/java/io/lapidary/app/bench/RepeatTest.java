package io.lapidary.app.bench;

import static org.assertj.core.api.Assertions.assertThat;

import io.lapidary.ChildJvm;
import io.lapidary.engine.Parameters;
import java.util.List;
import java.util.zip.CRC32;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Training gives the same bits again, in another plan and in another process. */
class RepeatTest {

  /** Trains a small GPT twice and prints a checksum of its weights each time. */
  static final class Child {
    private Child() {}

    public static void main(String[] args) {
      System.out.println("weights " + trained());
      System.out.println("weights " + trained());
      System.exit(0); // helper threads of native code would keep it alive for a while
    }
  }

  private static long trained() {
    Gpt gpt = new Gpt(300, 130, 96, 3, 2, 192, 4, Gpt.Scope.ALL);
    Task task = gpt.build(DataType.FLOAT, 7);
    try (Step step = Step.compile(task)) {
      for (int i = 0; i < 5; i++) {
        step.run();
      }
      return checksum(task.graph().store(), task);
    }
  }

  private static long checksum(Parameters store, Task task) {
    CRC32 sum = new CRC32();
    task.trained()
        .forEach(
            v -> {
              INDArray array = store.get(v.name());
              for (long i = 0; i < array.length(); i++) {
                int bits = Float.floatToRawIntBits(array.getFloat(i));
                for (int shift = 0; shift < 32; shift += 8) {
                  sum.update(bits >>> shift);
                }
              }
            });
    return sum.getValue();
  }

  @Test
  void sameBitsFromRunToRun() {
    assertThat(trained()).isEqualTo(trained());
  }

  @Test
  void sameBitsFromProcessToProcessOnTwoThreads() throws Exception {
    List<String> first = ChildJvm.run(Child.class, 2).stream().filter(RepeatTest::sum).toList();
    List<String> second = ChildJvm.run(Child.class, 2).stream().filter(RepeatTest::sum).toList();
    assertThat(first).hasSize(2).isEqualTo(second);
    assertThat(first.get(0)).isEqualTo(first.get(1));
  }

  private static boolean sum(String line) {
    return line.startsWith("weights ");
  }
}

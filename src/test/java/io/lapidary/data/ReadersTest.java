package io.lapidary.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lapidary.InputException;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReadersTest {
  @TempDir Path folder;

  @Test
  void readsCifar10() throws Exception {
    Path inner = Files.createDirectory(folder.resolve("cifar-10-batches-bin"));
    byte[] all = new byte[5 * 2 * 3073];
    new SplittableRandom(1).nextBytes(all);
    for (int i = 0; i < 10; i++) {
      all[i * 3073] = (byte) (9 - i);
    }
    for (int i = 0; i < 5; i++) {
      Files.write(
          inner.resolve("data_batch_" + (i + 1) + ".bin"),
          Arrays.copyOfRange(all, i * 6146, (i + 1) * 6146));
    }
    LabelledPictures train = Cifar10.train(folder);
    assertThat(train.labels()).containsExactly(9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    assertThat(train.classNames()).contains("frog").hasSize(10);
    Pictures pictures = train.pictures();
    assertThat(new int[] {pictures.channels(), pictures.height(), pictures.width()})
        .containsExactly(3, 32, 32);
    float[] planes = new float[4096];
    pictures.read(7, planes);
    assertThat(planes[0]).isEqualTo((all[7 * 3073 + 1] & 0xff) / 255f);
    assertThat(planes[3071]).isEqualTo((all[7 * 3073 + 3072] & 0xff) / 255f);
    assertThat(planes[3072]).isEqualTo(1f);
    pictures.select(new int[] {3, 7}).read(1, new float[4096]);
    assertThatThrownBy(() -> pictures.select(new int[] {10}))
        .isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> pictures.read(10, planes))
        .isInstanceOf(IndexOutOfBoundsException.class);
  }

  @Test
  void namesDamageOfCifar10() throws Exception {
    assertThatThrownBy(() -> Cifar10.test(folder))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("lapidary datasets fetch cifar10");
    Path file = folder.resolve("test_batch.bin");
    for (int length : new int[] {0, 1, 3072, 6145}) {
      Files.write(file, new byte[length]);
      assertThatThrownBy(() -> Cifar10.test(folder))
          .isInstanceOf(InputException.class)
          .hasMessageContaining("whole number of records");
    }
    byte[] wrong = new byte[6146];
    wrong[3073] = 10;
    Files.write(file, wrong);
    assertThatThrownBy(() -> Cifar10.test(folder))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("record 1 has label 10");
  }

  @Test
  void readsFashionMnistPlainAndZipped() throws Exception {
    byte[] grey = new byte[3 * 28 * 28];
    new SplittableRandom(2).nextBytes(grey);
    Files.write(folder.resolve("t10k-images-idx3-ubyte.gz"), zip(idx(0x803, grey, 3, 28, 28)));
    Files.write(folder.resolve("t10k-labels-idx1-ubyte"), idx(0x801, new byte[] {0, 9, 4}, 3));
    LabelledPictures test = Idx.fashionTest(folder);
    assertThat(test.labels()).containsExactly(0, 9, 4);
    assertThat(test.pictures().channels()).isEqualTo(1);
    float[] planes = new float[2 * 784];
    test.pictures().read(2, planes);
    assertThat(planes[5]).isEqualTo((grey[2 * 784 + 5] & 0xff) / 255f);
    assertThat(planes[784 + 5]).isEqualTo(1f);
    assertThatThrownBy(() -> Idx.fashionTrain(folder))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("lapidary datasets fetch fashion-mnist");
  }

  @Test
  void namesDamageOfIdxFiles() throws Exception {
    Path file = folder.resolve("images");
    byte[] good = idx(0x803, new byte[2 * 3 * 4], 2, 3, 4);
    fails(file, Arrays.copyOf(good, good.length - 1), "cut: declares 24 values, holds 23");
    fails(file, Arrays.copyOf(good, 7), "cut");
    fails(file, new byte[0], "cut");
    fails(file, Arrays.copyOf(good, good.length + 1), "more than the 24 values");
    fails(file, idx(0x801, new byte[2], 2), "starts with 0x00000801, expected 0x00000803");
    fails(file, idx(0xd03, new byte[24], 2, 3, 4), "starts with 0x00000d03");
    fails(file, idx(0x803, new byte[0], 0, 3, 4), "axis 0 has length 0");
    fails(file, idx(0x803, new byte[0], 2, -3, 4), "axis 1 has length -3");
    fails(file, idx(0x803, new byte[9], 1 << 20, 1 << 10, 1 << 10), "cannot be held");
    fails(file, idx(0x803, new byte[9], 2000, 1000, 1000), "cut"); // claims 2 GB, allocates little
    byte[] zipped = zip(good);
    fails(file, Arrays.copyOf(zipped, zipped.length - 12), "cut", "cannot be read");
    Files.write(file, good);
    Path labels = Files.write(folder.resolve("labels"), idx(0x801, new byte[] {0, 1, 2}, 3));
    assertThatThrownBy(() -> Idx.pictures(file, labels, List.of("a", "b", "c")))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("3 labels but");
    Files.write(labels, idx(0x801, new byte[] {0, 2}, 2));
    assertThatThrownBy(() -> Idx.pictures(file, labels, List.of("a", "b")))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("label 1 is 2");
  }

  private static void fails(Path file, byte[] bytes, String... oneOf) throws IOException {
    Files.write(file, bytes);
    assertThatThrownBy(() -> Idx.read(file, 3))
        .isInstanceOf(InputException.class)
        .satisfies(e -> assertThat(oneOf).anyMatch(e.getMessage()::contains));
  }

  private static byte[] idx(int magic, byte[] values, int... shape) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    DataOutputStream out = new DataOutputStream(bytes);
    out.writeInt(magic);
    for (int length : shape) {
      out.writeInt(length);
    }
    out.write(values);
    return bytes.toByteArray();
  }

  private static byte[] zip(byte[] plain) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (GZIPOutputStream out = new GZIPOutputStream(bytes)) {
      out.write(plain);
    }
    return bytes.toByteArray();
  }
}

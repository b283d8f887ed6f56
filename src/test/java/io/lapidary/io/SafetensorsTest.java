package io.lapidary.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lapidary.InputException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

class SafetensorsTest {
  private static final Path GOLDEN = Path.of("src/test/resources/golden/clip");

  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(strings = {"model", "golden"})
  void writesWhatTheReferenceWrites(String name) throws Exception {
    Path original = GOLDEN.resolve(name + ".safetensors");
    Path copy = folder.resolve("copy.safetensors");
    try (SafetensorsFile file = SafetensorsFile.open(original)) {
      Map<String, INDArray> tensors = new LinkedHashMap<>();
      file.names().forEach(tensor -> tensors.put(tensor, file.read(tensor)));
      Safetensors.write(copy, tensors, file.metadata());
    }
    assertThat(Files.mismatch(original, copy)).isEqualTo(-1);
  }

  @Test
  void everyTypeAndShapeSurvivesTheRoundTripBitByBit() throws Exception {
    SplittableRandom random = new SplittableRandom(17);
    Map<String, String> metadata = Map.of("format", "pt", "note", "naïve \"quotes\" \n ✂");
    Map<String, byte[]> data = new LinkedHashMap<>();
    StringBuilder header = new StringBuilder();
    long at = 0;
    String[] shapes = {"", "0,3", "2,3,4", "7", "1,1,5"};
    int[] counts = {1, 0, 24, 7, 5};
    for (String type : "BOOL,U8,I8,I16,U16,F16,BF16,I32,U32,F32,F64,I64".split(",")) {
      for (int s = 0; s < shapes.length; s++) {
        byte[] bytes = new byte[counts[s] * Dtype.valueOf(type).bits() / 8];
        random.nextBytes(bytes);
        if (type.equals("BOOL")) {
          for (int i = 0; i < bytes.length; i++) {
            bytes[i] &= 1;
          }
        }
        if (type.endsWith("F16")) { // a signalling NaN would come back as a quiet one
          for (int i = 0; i < bytes.length; i += 2) {
            bytes[i + 1] &= (byte) 0xBF;
          }
        }
        String name = type + "/é" + s;
        data.put(name, bytes);
        header
            .append(header.isEmpty() ? "{" : ",")
            .append(entry(name, type, shapes[s], at, at + bytes.length));
        at += bytes.length;
      }
    }
    ByteBuffer all = ByteBuffer.allocate((int) at);
    data.values().forEach(all::put);
    Path first = raw(header + "}", all.array());
    Path second = folder.resolve("second.safetensors");
    try (SafetensorsFile file = SafetensorsFile.open(first)) {
      Map<String, INDArray> tensors = new LinkedHashMap<>();
      file.names().forEach(name -> tensors.put(name, file.read(name)));
      Safetensors.write(second, tensors, metadata);
      try (SafetensorsFile again = SafetensorsFile.open(second)) {
        byte[] written = Files.readAllBytes(second);
        int start = 8 + (int) ByteBuffer.wrap(written).order(ByteOrder.LITTLE_ENDIAN).getLong();
        assertThat(start % 8).isZero();
        assertThat(again.metadata()).isEqualTo(metadata);
        assertThat(again.names()).hasSameElementsAs(file.names());
        for (String name : file.names()) {
          TensorInfo info = again.info(name);
          assertThat(info.dtype()).isEqualTo(file.info(name).dtype());
          assertThat(info.shape()).isEqualTo(file.info(name).shape());
          byte[] expected = data.get(name);
          for (int i = 0; i < expected.length; i++) {
            assertThat(written[start + (int) info.begin() + i])
                .as("%s byte %d, seed 17", name, i)
                .isEqualTo(expected[i]);
          }
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void viewsAndForderAreStoredRowMajor(long seed) {
    INDArray base =
        Nd4j.rand(Nd4j.getRandomFactory().getNewRandomInstance(seed), 6, 5, 4)
            .castTo(DataType.FLOAT);
    Map<String, INDArray> tensors =
        Map.of(
            "transposed", base.permute(2, 0, 1),
            "slice",
                base.get(
                    NDArrayIndex.interval(1, 5),
                    NDArrayIndex.point(2),
                    NDArrayIndex.interval(0, 3)),
            "fortran", base.dup('f'));
    Path path = folder.resolve("views.safetensors");
    Safetensors.write(path, tensors, Map.of());
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      tensors.forEach(
          (name, expected) -> {
            INDArray found = file.read(name, DataType.FLOAT);
            assertThat(found.ordering()).isEqualTo('c');
            assertThat(found).as("%s, seed %d", name, seed).isEqualTo(expected);
          });
    }
  }

  @Test
  void tensorsLargerThanOnePieceSurvive() {
    INDArray large = Nd4j.arange(0, 3_000_017).castTo(DataType.FLOAT).reshape(1, 3_000_017);
    Path path = folder.resolve("large.safetensors");
    Safetensors.write(path, Map.of("x", large, "y", large.castTo(DataType.INT)), Map.of());
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      assertThat(file.read("x", DataType.FLOAT)).isEqualTo(large);
      assertThat(file.read("y", DataType.LONG)).isEqualTo(large.castTo(DataType.LONG));
    }
  }

  @Test
  void convertsOnTheWayInAndOut() {
    Map<String, INDArray> tensors =
        Map.of(
            "w", Nd4j.createFromArray(1f, 1.00390625f, -2.5f, Float.NaN),
            "ids", Nd4j.createFromArray(1, 2, 300));
    Path path = folder.resolve("bf16.safetensors");
    Safetensors.write(path, tensors, Map.of(), Dtype.BF16);
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      assertThat(file.info("w").dtype()).isEqualTo(Dtype.BF16);
      assertThat(file.info("ids").dtype()).isEqualTo(Dtype.I32);
      float[] values = file.read("w", DataType.FLOAT).toFloatVector();
      assertThat(values).containsExactly(1f, 1f, -2.5f, Float.NaN);
      assertThat(file.read("w", DataType.DOUBLE).getDouble(2)).isEqualTo(-2.5);
      assertThat(file.read("ids", DataType.LONG).toLongVector()).containsExactly(1, 2, 300);
      assertThat(file.read("ids", DataType.FLOAT).toFloatVector()).containsExactly(1, 2, 300);
      fails(() -> file.read("w", DataType.INT), "'w'", "whole numbers", "BF16");
      fails(() -> file.read("ids", DataType.BYTE), "'ids'", "300", "BYTE");
      fails(() -> file.read("v", DataType.FLOAT), "tensor 'v' is missing");
      fails(
          () -> file.read("w", DataType.FLOAT, 2, 2),
          "wrong shape",
          "expected [2, 2]",
          "found [4]",
          "bf16.safetensors");
    }
  }

  @Test
  void knownTypesThatCannotBeReadDoNotHideTheOthers() throws Exception {
    Path path =
        raw(
            "{"
                + entry("a", "F8_E4M3", "4", 0, 4)
                + ","
                + entry("b", "F4", "2,4", 4, 8)
                + ","
                + entry("c", "U64", "1", 8, 16)
                + "}",
            new byte[] {0, 0, 0, 0, 0, 0, 0, 0, -1, -1, -1, -1, -1, -1, -1, -1});
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      fails(() -> file.read("a", DataType.FLOAT), "'a'", "F8_E4M3");
      fails(() -> file.read("b"), "'b'", "F4");
      fails(() -> file.read("c", DataType.LONG), "'c'", "18446744073709551615");
    }
  }

  @Test
  void emptyFilesAndPaddedHeadersAreValid() throws Exception {
    try (SafetensorsFile file = SafetensorsFile.open(raw("{}", new byte[0]))) {
      assertThat(file.names()).isEmpty();
    }
    Path none = folder.resolve("none.safetensors");
    Safetensors.write(none, Map.of(), Map.of());
    SafetensorsFile.open(none).close();
    String padded = "{" + entry("a", "U8", "2", 0, 2) + "}       ";
    try (SafetensorsFile file = SafetensorsFile.open(raw(padded, new byte[] {7, (byte) 200}))) {
      assertThat(file.read("a", DataType.INT).toIntVector()).containsExactly(7, 200);
    }
  }

  @Test
  void aClosedFileSaysSo() throws Exception {
    SafetensorsFile file =
        SafetensorsFile.open(raw("{" + entry("a", "U8", "2", 0, 2) + "}", new byte[2]));
    file.close();
    assertThatThrownBy(() -> file.read("a")).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void aFailedWriteLeavesTheOldFile() throws Exception {
    Path path = folder.resolve("kept.safetensors");
    Safetensors.write(path, Map.of("a", Nd4j.createFromArray(1f)), Map.of());
    byte[] before = Files.readAllBytes(path);
    INDArray closed = Nd4j.createFromArray(1f, 2f);
    closed.close();
    assertThatThrownBy(() -> Safetensors.write(path, Map.of("a", closed), Map.of()))
        .isInstanceOf(RuntimeException.class);
    assertThat(Files.readAllBytes(path)).isEqualTo(before);
    try (var files = Files.list(folder)) {
      assertThat(files).containsExactly(path);
    }
    Path blocked = path.resolve("inside.safetensors");
    fails(
        () -> Safetensors.write(blocked, Map.of("a", Nd4j.scalar(1f)), Map.of()),
        "cannot be written");
  }

  static String entry(String name, String dtype, String shape, long begin, long end) {
    return String.format(
        "\"%s\":{\"dtype\":\"%s\",\"shape\":[%s],\"data_offsets\":[%d,%d]}",
        name, dtype, shape, begin, end);
  }

  private Path raw(String header, byte[] data) throws Exception {
    return write(folder.resolve("raw.safetensors"), header, data);
  }

  static Path write(Path path, String header, byte[] data) throws Exception {
    byte[] text = header.getBytes(java.nio.charset.StandardCharsets.UTF_8);
    ByteBuffer bytes =
        ByteBuffer.allocate(8 + text.length + data.length).order(ByteOrder.LITTLE_ENDIAN);
    Files.write(path, bytes.putLong(text.length).put(text).put(data).array());
    return path;
  }

  static void fails(org.assertj.core.api.ThrowableAssert.ThrowingCallable call, String... parts) {
    assertThatThrownBy(call)
        .isInstanceOf(InputException.class)
        .message()
        .hasSizeLessThan(1000)
        .doesNotContain("\n")
        .contains(parts);
  }
}

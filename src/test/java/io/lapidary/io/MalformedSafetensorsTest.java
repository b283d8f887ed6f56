package io.lapidary.io;

import static io.lapidary.io.SafetensorsTest.entry;
import static io.lapidary.io.SafetensorsTest.fails;
import static org.assertj.core.api.Assertions.assertThat;

import io.lapidary.InputException;
import java.io.RandomAccessFile;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

@Timeout(20)
class MalformedSafetensorsTest {
  @TempDir Path folder;

  static Stream<Arguments> headers() {
    String a = entry("a", "F32", "2", 0, 8);
    return Stream.of(
        Arguments.of("hole", "{" + a + "," + entry("b", "F32", "1", 12, 16) + "}", 16, "hole"),
        Arguments.of("hole at start", "{" + entry("a", "U8", "1", 1, 2) + "}", 2, "hole"),
        Arguments.of("overlap", "{" + a + "," + entry("b", "F32", "2", 4, 12) + "}", 12, "overlap"),
        Arguments.of("same place twice", "{" + a + "," + a.replace("a", "b") + "}", 8, ""),
        Arguments.of("bytes left over", "{" + a + "}", 9, "belong to no tensor"),
        Arguments.of("truncated", "{" + a + "}", 7, "truncated"),
        Arguments.of("duplicate tensor", "{" + a + "," + a + "}", 8, "Duplicate field 'a'"),
        Arguments.of(
            "duplicate field",
            "{\"a\":{\"dtype\":\"U8\",\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}",
            1,
            "Duplicate field 'dtype'"),
        Arguments.of("unknown dtype", "{" + entry("a", "F33", "2", 0, 8) + "}", 8, "'F33'"),
        Arguments.of("dtype not text", "{" + a.replace("\"F32\"", "3") + "}", 8, "value_string"),
        Arguments.of("wrong shape", "{" + entry("a", "F32", "3", 0, 8) + "}", 8, "needs 12 bytes"),
        Arguments.of("negative shape", "{" + entry("a", "F32", "-2", 0, 8) + "}", 8, "'-2'"),
        Arguments.of("fraction", "{" + entry("a", "F32", "2.0", 0, 8) + "}", 8, "'2.0'"),
        Arguments.of(
            "overflow",
            "{" + entry("a", "F32", "4294967296,4294967296", 0, 0) + "}",
            0,
            "too many elements"),
        Arguments.of(
            "shape beyond long",
            "{" + entry("a", "F32", "99999999999999999999", 0, 0) + "}",
            0,
            "whole numbers"),
        Arguments.of("deep rank", "{" + entry("a", "U8", "1" + ",1".repeat(40), 0, 1) + "}", 1, ""),
        Arguments.of("backwards", "{" + entry("a", "F32", "2", 8, 0) + "}", 8, "backwards"),
        Arguments.of("half a byte", "{" + entry("a", "F4", "3", 0, 1) + "}", 1, "whole bytes"),
        Arguments.of(
            "offsets as text", "{" + a.replace("[0,8]", "\"0,8\"") + "}", 8, "start_array"),
        Arguments.of("three offsets", "{" + a.replace("[0,8]", "[0,8,9]") + "}", 8, "more than 2"),
        Arguments.of("one offset", "{" + a.replace("[0,8]", "[0]") + "}", 8, "two data_offsets"),
        Arguments.of("shape missing", "{" + a.replace("\"shape\":[2],", "") + "}", 8, "expected"),
        Arguments.of(
            "extra key", "{" + a.replace("\"shape\"", "\"x\":1,\"shape\"") + "}", 8, "key 'x'"),
        Arguments.of("tensor null", "{\"a\":null}", 0, "start_object"),
        Arguments.of("metadata not text", "{\"__metadata__\":{\"a\":1}}", 0, "value_string"),
        Arguments.of("metadata list", "{\"__metadata__\":[]}", 0, "start_object"),
        Arguments.of("list", "[1, 2]", 0, "'{'"),
        Arguments.of("leading blank", " {}", 0, "'{'"),
        Arguments.of("open end", "{" + a, 8, "not valid"),
        Arguments.of("two objects", "{}{}", 0, "after the end"),
        Arguments.of("nesting", "{\"a\":{\"shape\":" + "[".repeat(100_000), 0, "'['"),
        Arguments.of("long number", "{" + entry("a", "U8", "1".repeat(99_999), 0, 1) + "}", 1, ""),
        Arguments.of("line breaks in a name", "{\"a\\n\\u0007b\":3}", 0, "'a  b'"),
        Arguments.of("long name", "{\"" + "n".repeat(4_000) + "\":3}", 0, "..."));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("headers")
  void isOneClearLine(String kind, String header, int dataBytes, String part) throws Exception {
    Path path =
        SafetensorsTest.write(folder.resolve("bad.safetensors"), header, new byte[dataBytes]);
    fails(() -> SafetensorsFile.open(path).close(), "bad.safetensors", part);
  }

  @Test
  void impossibleHeaderLengths() throws Exception {
    for (long length :
        new long[] {Long.MAX_VALUE, -1, Long.MIN_VALUE, 100_000_001, 90_000_000, 3, 0, 1}) {
      Path path = folder.resolve("length.safetensors");
      byte[] bytes = new byte[10];
      ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putLong(length).put((byte) '{');
      Files.write(path, bytes);
      fails(() -> SafetensorsFile.open(path).close(), "length.safetensors");
    }
  }

  @Test
  void notAFile() throws Exception {
    fails(() -> SafetensorsFile.open(folder).close(), "not a file");
    fails(() -> SafetensorsFile.open(folder.resolve("none")).close(), "nothing of that name");
    Path empty = Files.createFile(folder.resolve("empty"));
    fails(() -> SafetensorsFile.open(empty).close(), "at least 8 bytes");
    Path text = Files.writeString(folder.resolve("text"), "<html>Not found</html>");
    fails(() -> SafetensorsFile.open(text).close(), "not a safetensors file");
  }

  @Test
  void textThatIsNotUtf8() throws Exception {
    byte[] header =
        "{\"?\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,1]}} "
            .getBytes(StandardCharsets.US_ASCII);
    header[2] = (byte) 0xC0;
    Path path = folder.resolve("latin.safetensors");
    ByteBuffer bytes = ByteBuffer.allocate(9 + header.length).order(ByteOrder.LITTLE_ENDIAN);
    Files.write(path, bytes.putLong(header.length).put(header).array());
    fails(() -> SafetensorsFile.open(path).close(), "UTF-8");
  }

  /** Headers of 90 MB, really in the file, must not be held in memory. */
  @ParameterizedTest
  @org.junit.jupiter.params.provider.ValueSource(
      strings = {"{\"a\":\"", "{\"__metadata__\":{\"a\":\"", "{\"", "{\"a\":{\"shape\":["})
  void largeHeadersStaySmallInMemory(String start) throws Exception {
    Path path = folder.resolve("large.safetensors");
    long length = 90_000_000;
    try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
      ByteBuffer prefix = ByteBuffer.allocate(8 + start.length()).order(ByteOrder.LITTLE_ENDIAN);
      prefix.putLong(length).put(start.getBytes(StandardCharsets.UTF_8));
      file.write(prefix.array());
      byte[] fill = new byte[1 << 20];
      Arrays.fill(fill, (byte) '1');
      while (file.length() < 8 + length) {
        file.write(fill);
      }
    }
    long before = allocated();
    fails(() -> SafetensorsFile.open(path).close(), "large.safetensors");
    assertThat(allocated() - before).isLessThan(100_000_000L);
  }

  @Test
  void randomDamageNeverEscapesAsAnotherError() throws Exception {
    byte[] good = Files.readAllBytes(Path.of("src/test/resources/golden/clip/golden.safetensors"));
    Path path = folder.resolve("damaged.safetensors");
    for (long seed = 0; seed < 300; seed++) {
      SplittableRandom random = new SplittableRandom(seed);
      byte[] bad = good.clone();
      for (int i = 0; i < 1 + random.nextInt(3); i++) {
        bad[random.nextInt(8 + 1200)] = (byte) random.nextInt(256);
      }
      int length = random.nextBoolean() ? bad.length : random.nextInt(bad.length);
      Files.write(path, Arrays.copyOf(bad, length));
      try (SafetensorsFile file = SafetensorsFile.open(path)) {
        for (String name : file.names()) {
          if (file.info(name).dtype().readable()) {
            file.read(name).close();
          }
        }
      } catch (InputException e) {
        assertThat(e.getMessage()).as("seed %d", seed).doesNotContain("\n").hasSizeLessThan(1000);
      } catch (RuntimeException e) {
        throw new AssertionError("seed " + seed, e);
      }
    }
  }

  private static long allocated() {
    return ((com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean())
        .getThreadAllocatedBytes(Thread.currentThread().getId());
  }
}

package io.lapidary.io;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import io.lapidary.InputException;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The header of a safetensors file, read as a stream and checked whole: the tensors must cover the
 * data exactly, without holes or overlap. Limits on sizes and counts keep a hostile header from
 * using more than some tens of megabytes.
 *
 * @param metadata the text entries of {@code __metadata__}
 * @param tensors by name, in file order
 * @param dataStart position of the first data byte in the file
 */
record SafetensorsHeader(
    Map<String, String> metadata, Map<String, TensorInfo> tensors, long dataStart) {
  static final String METADATA = "__metadata__";
  static final long LARGEST_HEADER = 100_000_000L;
  private static final int MOST_TENSORS = 100_000;
  private static final int MOST_NAMES = 16_000_000; // characters
  private static final int MOST_METADATA = 8_000_000; // characters
  private static final int HIGHEST_RANK = 32; // of ND4J

  private static final JsonFactory JSON =
      JsonFactory.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
          .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxNestingDepth(8)
                  .maxNumberLength(30)
                  .maxNameLength(4_096)
                  .maxStringLength(MOST_METADATA)
                  .build())
          .build();

  /** Reads and checks the header of an open file. */
  static SafetensorsHeader read(Path file, FileChannel channel) throws IOException {
    long size = channel.size();
    if (size < 8) {
      throw InputException.of(
          "%s: not a safetensors file: expected at least 8 bytes, found %d; fetch it again",
          file, size);
    }
    ByteBuffer prefix = ByteBuffer.allocate(9).order(ByteOrder.LITTLE_ENDIAN);
    readFully(channel, prefix.limit((int) Math.min(9, size)), 0);
    long length = prefix.getLong(0);
    if (length < 0 || length > LARGEST_HEADER) {
      throw InputException.of(
          "%s: not a safetensors file: header length %s is above the limit of %d bytes",
          file, Long.toUnsignedString(length), LARGEST_HEADER);
    }
    if (8 + length > size) {
      throw InputException.of(
          "%s: header length %d reaches beyond the file of %d bytes: truncated, or not safetensors;"
              + " fetch it again",
          file, length, size);
    }
    if (length < 2 || prefix.get(8) != '{') {
      throw InputException.of(
          "%s: not a safetensors file: the header must start with '{' after its 8-byte length",
          file);
    }
    return new Parse(file, size - 8 - length).header(channel, length);
  }

  /** Fills the buffer up to its limit from {@code position}. */
  static void readFully(FileChannel channel, ByteBuffer buffer, long position) throws IOException {
    long at = position;
    while (buffer.hasRemaining()) {
      int count = channel.read(buffer, at);
      if (count < 0) {
        throw new IOException("the file ended at byte " + at);
      }
      at += count;
    }
  }

  /** One pass over the JSON text. */
  private static final class Parse {
    private final Path file;
    private final long dataLength;
    private final Map<String, TensorInfo> tensors = new LinkedHashMap<>();
    private final Map<String, String> metadata = new LinkedHashMap<>();
    private long metadataSize;
    private long nameSize;

    Parse(Path file, long dataLength) {
      this.file = file;
      this.dataLength = dataLength;
    }

    SafetensorsHeader header(FileChannel channel, long length) throws IOException {
      InputStreamReader text =
          new InputStreamReader(
              new Slice(channel, 8, length),
              StandardCharsets.UTF_8
                  .newDecoder()
                  .onMalformedInput(CodingErrorAction.REPORT)
                  .onUnmappableCharacter(CodingErrorAction.REPORT));
      try (JsonParser json = JSON.createParser(text)) {
        expect(json.nextToken(), JsonToken.START_OBJECT, "the header");
        while (json.nextToken() == JsonToken.FIELD_NAME) {
          String name = json.currentName();
          if (name.equals(METADATA)) {
            metadata(json);
          } else {
            tensor(json, name);
          }
        }
        if (json.nextToken() != null) {
          throw bad("text after the end of the header");
        }
      } catch (CharacterCodingException e) {
        throw new InputException(file + ": the header is not valid UTF-8; fetch it again", e);
      } catch (com.fasterxml.jackson.core.JsonProcessingException e) {
        throw new InputException(
            String.format(
                "%s: the header is not valid: %s; fetch it again",
                file, Texts.line(e.getOriginalMessage())),
            e);
      }
      covers();
      return new SafetensorsHeader(metadata, tensors, 8 + length);
    }

    private void metadata(JsonParser json) throws IOException {
      expect(json.nextToken(), JsonToken.START_OBJECT, METADATA);
      while (json.nextToken() == JsonToken.FIELD_NAME) {
        String key = json.currentName();
        expect(json.nextToken(), JsonToken.VALUE_STRING, METADATA + " " + Texts.quote(key));
        String value = json.getText();
        metadataSize += 50L + key.length() + value.length();
        if (metadataSize > MOST_METADATA) {
          throw bad("more than " + MOST_METADATA + " characters of " + METADATA);
        }
        metadata.put(key, value);
      }
    }

    private void tensor(JsonParser json, String name) throws IOException {
      if (tensors.size() == MOST_TENSORS) {
        throw bad("more than " + MOST_TENSORS + " tensors");
      }
      nameSize += name.length();
      if (nameSize > MOST_NAMES) {
        throw bad("more than " + MOST_NAMES + " characters of tensor names");
      }
      String what = "tensor " + Texts.quote(name);
      expect(json.nextToken(), JsonToken.START_OBJECT, what);
      Dtype dtype = null;
      long[] shape = null;
      long[] offsets = null;
      while (json.nextToken() == JsonToken.FIELD_NAME) {
        String key = json.currentName();
        JsonToken value = json.nextToken();
        switch (key) {
          case "dtype" -> {
            expect(value, JsonToken.VALUE_STRING, what + " dtype");
            String found = json.getText();
            dtype =
                Dtype.named(found)
                    .orElseThrow(() -> bad(what + ": unknown dtype " + Texts.quote(found)));
          }
          case "shape" -> shape = naturals(json, what + " shape", HIGHEST_RANK);
          case "data_offsets" -> offsets = naturals(json, what + " data_offsets", 2);
          default -> throw bad(what + ": unexpected key " + Texts.quote(key));
        }
      }
      if (dtype == null || shape == null || offsets == null || offsets.length != 2) {
        throw bad(what + ": expected dtype, shape and two data_offsets");
      }
      check(what, dtype, shape, offsets[0], offsets[1]);
      tensors.put(name, new TensorInfo(name, dtype, shape, offsets[0], offsets[1]));
    }

    private long[] naturals(JsonParser json, String what, int most) throws IOException {
      expect(json.currentToken(), JsonToken.START_ARRAY, what);
      long[] values = new long[most];
      int count = 0;
      while (json.nextToken() != JsonToken.END_ARRAY) {
        if (count == most) {
          throw bad(what + ": more than " + most + " numbers");
        }
        if (json.currentToken() != JsonToken.VALUE_NUMBER_INT
            || json.getNumberType() == JsonParser.NumberType.BIG_INTEGER
            || json.getLongValue() < 0) {
          throw bad(
              what
                  + ": expected whole numbers from 0 to 2^63-1, found "
                  + Texts.quote(json.getText()));
        }
        values[count++] = json.getLongValue();
      }
      return java.util.Arrays.copyOf(values, count);
    }

    private void check(String what, Dtype dtype, long[] shape, long begin, long end) {
      long bytes;
      try {
        long bits = dtype.bits();
        for (long size : shape) {
          bits = Math.multiplyExact(bits, size);
        }
        if (bits % 8 != 0) {
          throw bad(what + ": shape " + Texts.shape(shape) + " does not fill whole bytes");
        }
        bytes = bits / 8;
      } catch (ArithmeticException e) {
        throw bad(what + ": shape " + Texts.shape(shape) + " has too many elements");
      }
      if (begin > end) {
        throw bad(what + ": data_offsets [" + begin + ", " + end + "] run backwards");
      }
      if (end - begin != bytes) {
        throw bad(
            String.format(
                "%s: %s %s needs %d bytes, but data_offsets [%d, %d] hold %d",
                what, dtype, Texts.shape(shape), bytes, begin, end, end - begin));
      }
      if (end > dataLength) {
        throw bad(
            String.format(
                "%s: its data ends at byte %d, but the file holds %d data bytes: truncated",
                what, end, dataLength));
      }
    }

    private void covers() {
      List<TensorInfo> ordered = new ArrayList<>(tensors.values());
      ordered.sort(Comparator.comparingLong(TensorInfo::begin).thenComparingLong(TensorInfo::end));
      long at = 0;
      for (TensorInfo info : ordered) {
        if (info.begin() != at) {
          throw bad(
              String.format(
                  "tensor %s begins at data byte %d, but the tensor before it ends at %d: %s",
                  Texts.quote(info.name()),
                  info.begin(),
                  at,
                  info.begin() > at ? "a hole in the data" : "the tensors overlap"));
        }
        at = info.end();
      }
      if (at != dataLength) {
        throw bad(
            String.format(
                "the tensors end at data byte %d, but the file holds %d data bytes: %d belong to no"
                    + " tensor",
                at, dataLength, dataLength - at));
      }
    }

    private void expect(JsonToken found, JsonToken expected, String what) {
      if (found != expected) {
        throw bad(what + ": expected " + word(expected) + ", found " + word(found));
      }
    }

    private static String word(JsonToken token) {
      return token == null ? "the end" : token.name().toLowerCase(java.util.Locale.ROOT);
    }

    private InputException bad(String problem) {
      return new InputException(file + ": " + problem + "; fetch or write the file again");
    }
  }

  /** Part of a file as a stream. */
  private static final class Slice extends InputStream {
    private final FileChannel channel;
    private final long end;
    private long at;

    Slice(FileChannel channel, long start, long length) {
      this.channel = channel;
      this.at = start;
      this.end = start + length;
    }

    @Override
    public int read() throws IOException {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
      if (at >= end) {
        return -1;
      }
      int most = (int) Math.min(length, end - at);
      int count = channel.read(ByteBuffer.wrap(bytes, offset, most), at);
      if (count > 0) {
        at += count;
      }
      return count;
    }
  }
}

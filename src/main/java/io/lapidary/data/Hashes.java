package io.lapidary.data;

import io.lapidary.AtomicFiles;
import io.lapidary.InputException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Checksums of files and byte arrays as lower-case hexadecimal text. */
public final class Hashes {
  private Hashes() {}

  /** The SHA-256 of {@code bytes}. */
  public static String sha256(byte[] bytes) {
    return hex(digest("SHA-256").digest(bytes));
  }

  /**
   * The SHA-256 of a file, read in pieces.
   *
   * @throws InputException when the file cannot be read
   */
  public static String sha256(Path file) {
    return hex(file(file, "SHA-256"));
  }

  /**
   * A checksum of a model folder: of its configuration and its weights, by name.
   *
   * @throws InputException when it cannot be read
   */
  public static String model(Path folder) {
    try (Stream<Path> files = Files.list(folder)) {
      String list =
          files
              .filter(file -> file.toString().matches(".*(\\.safetensors|config\\.json)"))
              .sorted()
              .map(file -> file.getFileName() + " " + sha256(file) + "\n")
              .collect(Collectors.joining());
      return sha256(list.getBytes(StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw unreadable(folder, e);
    }
  }

  /** The digest of a file by algorithm name, such as {@code SHA-512}. */
  static byte[] file(Path file, String algorithm) {
    MessageDigest digest = digest(algorithm);
    try (InputStream in = Files.newInputStream(file)) {
      byte[] buffer = new byte[1 << 16];
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        digest.update(buffer, 0, n);
      }
    } catch (IOException e) {
      throw unreadable(file, e);
    }
    return digest.digest();
  }

  /** The error for a file that cannot be read. */
  static InputException unreadable(Path file, IOException e) {
    return new InputException(
        String.format(
            "%s: cannot be read (%s); check the path and its permissions",
            file, AtomicFiles.reason(e)),
        e);
  }

  private static String hex(byte[] bytes) {
    return HexFormat.of().formatHex(bytes);
  }

  private static MessageDigest digest(String algorithm) {
    try {
      return MessageDigest.getInstance(algorithm);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("this Java runtime lacks " + algorithm, e);
    }
  }
}

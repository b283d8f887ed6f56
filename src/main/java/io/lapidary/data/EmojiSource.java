package io.lapidary.data;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.lapidary.InputException;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.apache.commons.compress.compressors.gzip.GzipCompressorInputStream;

/**
 * One {@code emoji-datasource-*} package, read from its .tgz file (without unpacking it to disk) or
 * from an unpacked folder: the emoji table and the 64-pixel pictures of one vendor.
 */
final class EmojiSource {
  private static final long LARGEST_FILE = 16L << 20;
  private static final long LARGEST_PACKAGE = 1L << 30;

  /** Published integrity values of the packages that the shipped data set is built from. */
  private static final Map<String, String> INTEGRITY =
      Map.of(
          "emoji-datasource-google@16.0.0",
          "sha512-ZRexfzs7MVoLnmzZmNsO4TKhnAJp5D++Vm6PpUpH/jEQQlemp3l88CjZ+DoZ2faM9R4QxZkOPJCoT8DlPhfQ3A==",
          "emoji-datasource-twitter@16.0.0",
          "sha512-7F+uCuHH+7Qnrc15P5tnbvKkg9E6tlzi4MnT2uW1RlN4pLYTza6cP/dstIfSDMtpjFLWuZewWg8jBbuL2eyELQ==");

  private final Path path;
  private final Emoji.Vendor vendor;
  private final Map<String, byte[]> files;
  private final String version;
  private final String integrity;

  private EmojiSource(Path path, Emoji.Vendor vendor, Map<String, byte[]> files) {
    this.path = path;
    this.vendor = vendor;
    this.files = files;
    JsonNode about = json("package.json");
    String expected = "emoji-datasource-" + vendor.id();
    if (!about.path("name").asText().equals(expected)) {
      throw InputException.of(
          "%s: expected the package %s, found '%s'", path, expected, about.path("name").asText());
    }
    this.version = about.path("version").asText();
    this.integrity = Files.isDirectory(path) ? "" : integrity(path);
    String published = INTEGRITY.get(expected + "@" + version);
    if (!integrity.isEmpty() && published != null && !published.equals(integrity)) {
      throw InputException.of(
          "%s: integrity %s but %s %s has %s; download the package again",
          path, integrity, expected, version, published);
    }
  }

  /** Opens a package. */
  static EmojiSource open(Path path, Emoji.Vendor vendor) {
    try {
      if (Files.isDirectory(path)) {
        return new EmojiSource(path, vendor, folder(path, vendor));
      }
      if (!Files.exists(path)) {
        throw InputException.of(
            "%s: no such file or folder; get it with: npm pack emoji-datasource-%s@16.0.0",
            path, vendor.id());
      }
      return new EmojiSource(path, vendor, archive(path, vendor));
    } catch (IOException e) {
      throw Hashes.unreadable(path, e);
    }
  }

  String version() {
    return version;
  }

  /** The package's name, version and, for a .tgz file, its integrity value. */
  String describe() {
    return ("npm emoji-datasource-" + vendor.id() + "@" + version + " " + integrity).strip();
  }

  /** The bytes of the emoji table, equal in the packages of one version. */
  byte[] table() {
    return bytes("emoji.json");
  }

  JsonNode emoji() {
    JsonNode table = json("emoji.json");
    if (!table.isArray() || table.isEmpty()) {
      throw InputException.of("%s: emoji.json must be a list of emoji", path);
    }
    return table;
  }

  /** One picture as PNG bytes. */
  byte[] picture(String image) {
    return bytes(prefix(vendor) + image);
  }

  private JsonNode json(String name) {
    try {
      return new ObjectMapper().readTree(bytes(name));
    } catch (IOException e) {
      throw new InputException(String.format("%s: %s is not JSON (%s)", path, name, e), e);
    }
  }

  private byte[] bytes(String name) {
    byte[] bytes = files.get(name);
    if (bytes == null) {
      throw InputException.of("%s: the package holds no %s", path, name);
    }
    return bytes;
  }

  private static String prefix(Emoji.Vendor vendor) {
    return "img/" + vendor.id() + "/64/";
  }

  private static boolean wanted(String name, Emoji.Vendor vendor) {
    return name.equals("emoji.json")
        || name.equals("package.json")
        || (name.startsWith(prefix(vendor)) && name.endsWith(".png"));
  }

  private static Map<String, byte[]> folder(Path path, Emoji.Vendor vendor) throws IOException {
    Path root = Files.exists(path.resolve("package")) ? path.resolve("package") : path;
    Map<String, byte[]> files = new HashMap<>();
    for (String name : List.of("emoji.json", "package.json")) {
      if (Files.isRegularFile(root.resolve(name))) {
        files.put(name, Files.readAllBytes(root.resolve(name)));
      }
    }
    Path pictures = root.resolve(prefix(vendor));
    if (Files.isDirectory(pictures)) {
      try (var list = Files.newDirectoryStream(pictures, "*.png")) {
        for (Path file : list) {
          files.put(prefix(vendor) + file.getFileName(), Files.readAllBytes(file));
        }
      }
    }
    return files;
  }

  private static Map<String, byte[]> archive(Path path, Emoji.Vendor vendor) throws IOException {
    Map<String, byte[]> files = new HashMap<>();
    long total = 0;
    try (InputStream raw = new BufferedInputStream(Files.newInputStream(path), 1 << 16);
        TarArchiveInputStream tar =
            new TarArchiveInputStream(new GzipCompressorInputStream(raw, true))) {
      for (TarArchiveEntry e = tar.getNextEntry(); e != null; e = tar.getNextEntry()) {
        total += e.getSize();
        if (total > LARGEST_PACKAGE) {
          throw InputException.of("%s: unpacks to more than %d bytes", path, LARGEST_PACKAGE);
        }
        String name = e.getName().startsWith("package/") ? e.getName().substring(8) : "";
        if (e.isFile() && wanted(name, vendor)) {
          if (e.getSize() > LARGEST_FILE) {
            throw InputException.of("%s: %s has %d bytes, too large", path, name, e.getSize());
          }
          files.put(name, tar.readAllBytes());
        }
      }
    }
    return files;
  }

  private static String integrity(Path path) {
    return "sha512-" + Base64.getEncoder().encodeToString(Hashes.file(path, "SHA-512"));
  }
}

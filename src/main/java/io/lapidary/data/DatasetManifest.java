package io.lapidary.data;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import io.lapidary.AtomicFiles;
import io.lapidary.Check;
import io.lapidary.InputException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * What a prepared data set folder says about itself, kept as {@code dataset.json} beside the files.
 *
 * @param name short name, also the folder's
 * @param version version of the source
 * @param licence licences of the content, in words
 * @param sources where the content came from
 * @param files every data file with its checksum
 */
public record DatasetManifest(
    String name, String version, String licence, List<String> sources, List<File> files) {

  /** The file name inside the data set folder. */
  public static final String FILE = "dataset.json";

  private static final ObjectMapper JSON =
      new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

  /**
   * One data file.
   *
   * @param path relative to the folder, a plain file name
   * @param bytes length in bytes
   * @param sha256 checksum of the file
   * @param contentSha256 checksum of the decoded content (pixels as RGBA bytes), empty when the
   *     file is its own content. It stays equal when another PNG encoder packs the same picture.
   */
  public record File(String path, long bytes, String sha256, String contentSha256) {
    /** Checks the fields. */
    public File {
      Check.present("path", path);
      Check.that(
          path.matches("[A-Za-z0-9][A-Za-z0-9._-]*"), "path must be a plain name, got '%s'", path);
      Check.notNegative("bytes", bytes);
      Check.that(
          Check.present("sha256", sha256).matches("[0-9a-f]{64}"),
          "sha256 must be 64 hexadecimal digits, got '%s'",
          sha256);
      contentSha256 = contentSha256 == null ? "" : contentSha256;
    }
  }

  /** Checks the fields. */
  public DatasetManifest {
    Check.present("name", name);
    Check.present("version", version);
    Check.present("licence", licence);
    sources = sources == null ? List.of() : List.copyOf(sources);
    files = List.copyOf(Check.present("files", files));
  }

  /**
   * Reads the manifest of a data set folder.
   *
   * @throws InputException when it is missing or not well-formed
   */
  public static DatasetManifest read(Path folder) {
    Path file = folder.resolve(FILE);
    try {
      DatasetManifest manifest = JSON.readValue(file.toFile(), DatasetManifest.class);
      if (manifest == null) {
        throw InputException.of("%s: holds null instead of a manifest; restore the file", file);
      }
      return manifest;
    } catch (JsonProcessingException e) {
      throw new InputException(
          String.format("%s: not a data set manifest (%s)", file, e.getOriginalMessage()), e);
    } catch (IOException e) {
      throw new InputException(
          String.format(
              "%s: cannot be read (%s); the data set folder is incomplete, restore it or build it"
                  + " again",
              file, AtomicFiles.reason(e)),
          e);
    }
  }

  /** Writes the manifest into the folder. */
  public void write(Path folder) {
    try {
      AtomicFiles.writeText(folder.resolve(FILE), JSON.writeValueAsString(this) + "\n");
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a manifest always has a JSON form", e);
    }
  }

  /** The entry of a file that must be there. */
  public File file(Path folder, String path) {
    return files.stream()
        .filter(f -> f.path().equals(path))
        .findFirst()
        .orElseThrow(() -> InputException.of("%s: lists no file %s", folder.resolve(FILE), path));
  }

  /**
   * Compares length and checksum of one file with what is declared and returns its path.
   *
   * @throws InputException when the file is missing or differs
   */
  public Path verified(Path folder, String path) {
    File declared = file(folder, path);
    Path file = folder.resolve(path);
    if (!Files.isRegularFile(file)) {
      throw InputException.of(
          "%s: missing, but %s lists it; restore the file or build the data set again", file, FILE);
    }
    String found = Hashes.sha256(file);
    if (!found.equals(declared.sha256())) {
      throw InputException.of(
          "%s: sha256 %s but %s lists %s; the file was changed or cut, restore it or build the data"
              + " set again",
          file, found, FILE, declared.sha256());
    }
    return file;
  }

  /** Checks every file of the folder, see {@link #verified}. */
  public void verifyAll(Path folder) {
    for (File file : files) {
      verified(folder, file.path());
    }
  }
}

package io.lapidary.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lapidary.AtomicFiles;
import io.lapidary.InputException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.apache.commons.compress.archivers.tar.TarConstants;
import org.apache.commons.compress.archivers.zip.ZipArchiveEntry;
import org.apache.commons.compress.archivers.zip.ZipArchiveOutputStream;
import org.apache.commons.compress.compressors.gzip.GzipCompressorOutputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ArchivesTest {
  private static final Archives.Limits SMALL = new Archives.Limits(20, 1 << 20, 100);

  @TempDir Path folder;

  /** Whatever happens, nothing may appear beside the archive but the target. */
  @AfterEach
  void nothingEscaped() throws IOException {
    try (var files = Files.list(folder)) {
      assertThat(files.map(f -> f.getFileName().toString()))
          .isSubsetOf("a.zip", "a.tar.gz", "a.tgz", "a.tar", "a.txt", "out");
    }
  }

  @Test
  void unpacksFilesAndFolders() throws Exception {
    for (Path archive :
        List.of(zip("d/", "d/e/f.txt", "./g.txt"), tar("d/", "d/e/f.txt", "./g.txt"))) {
      Path out = folder.resolve("out");
      Archives.unpack(archive, out, SMALL);
      assertThat(out.resolve("d/e/f.txt")).hasContent("text");
      assertThat(out.resolve("g.txt")).hasContent("text");
      assertThatThrownBy(() -> Archives.unpack(archive, out, SMALL))
          .isInstanceOf(InputException.class)
          .hasMessageContaining("there already");
      AtomicFiles.deleteTree(out);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "../a.txt",
        "d/../../a.txt",
        "d/..",
        "/var/lapidary-escape.txt",
        "..\\a.txt",
        "C:/a.txt",
        "C:\\a.txt",
        "//host/a.txt"
      })
  void refusesPathsThatLeadOut(String name) throws Exception {
    refused(zip("fine.txt", name), "path", "leads out");
    refused(tar("fine.txt", name), "path", "leads out");
  }

  @Test
  void refusesLinksAndDevices() throws Exception {
    for (byte kind :
        new byte[] {
          TarConstants.LF_SYMLINK, TarConstants.LF_LINK, TarConstants.LF_CHR, TarConstants.LF_FIFO
        }) {
      Path archive = folder.resolve("a.tar.gz");
      try (TarArchiveOutputStream tar = tarTo(archive)) {
        TarArchiveEntry link = new TarArchiveEntry("link", kind);
        link.setLinkName("/etc/hostname");
        tar.putArchiveEntry(link);
        tar.closeArchiveEntry();
      }
      refused(archive, "is a link", "neither a plain file");
    }
    Path archive = folder.resolve("a.zip");
    try (ZipArchiveOutputStream zip = new ZipArchiveOutputStream(archive)) {
      ZipArchiveEntry link = new ZipArchiveEntry("link");
      link.setUnixMode(0120777);
      zip.putArchiveEntry(link);
      zip.write("/etc/hostname".getBytes(StandardCharsets.UTF_8));
      zip.closeArchiveEntry();
    }
    refused(archive, "is a link");
  }

  @Test
  void refusesBombs() throws Exception {
    String[] many = new String[21];
    Arrays.setAll(many, i -> "f" + i);
    refused(zip(many), "20 entries");
    refused(tar(many), "20 entries");
    Path archive = folder.resolve("a.tar.gz");
    try (TarArchiveOutputStream tar = tarTo(archive)) {
      TarArchiveEntry entry = new TarArchiveEntry("zeros");
      entry.setSize(2 << 20);
      tar.putArchiveEntry(entry);
      tar.write(new byte[2 << 20]);
      tar.closeArchiveEntry();
    }
    refused(archive, "swell beyond 1048576 bytes");
  }

  @Test
  void refusesRepeatedEntriesAndDamage() throws Exception {
    refused(tar("x", "x"), "comes twice");
    refused(tar("x", "x/y"), "cannot be unpacked", "file and a folder", "comes twice");
    Path archive = tar("x", "y", "z");
    byte[] bytes = Files.readAllBytes(archive);
    Files.write(archive, Arrays.copyOf(bytes, bytes.length / 2));
    refused(archive, "cannot be unpacked");
    Files.write(archive, new byte[100]);
    refused(archive, "cannot be unpacked");
    Path zip = zip("x", "y");
    bytes = Files.readAllBytes(zip);
    Files.write(zip, Arrays.copyOf(bytes, bytes.length / 2));
    refused(zip, "cannot be unpacked");
    refused(folder.resolve("a.txt"), "expected a .zip");
    refused(folder.resolve("a.tgz"), "cannot be unpacked");
  }

  private void refused(Path archive, String... oneOf) {
    Path out = folder.resolve("out");
    assertThatThrownBy(() -> Archives.unpack(archive, out, SMALL))
        .isInstanceOf(InputException.class)
        .satisfies(e -> assertThat(oneOf).anyMatch(e.getMessage()::contains));
    assertThat(out).doesNotExist();
  }

  private Path zip(String... names) throws IOException {
    Path archive = folder.resolve("a.zip");
    try (ZipArchiveOutputStream zip = new ZipArchiveOutputStream(archive)) {
      for (String name : names) {
        zip.putArchiveEntry(new ZipArchiveEntry(name));
        if (!name.endsWith("/")) {
          zip.write("text".getBytes(StandardCharsets.UTF_8));
        }
        zip.closeArchiveEntry();
      }
    }
    return archive;
  }

  private Path tar(String... names) throws IOException {
    Path archive = folder.resolve("a.tar.gz");
    try (TarArchiveOutputStream tar = tarTo(archive)) {
      for (String name : names) {
        TarArchiveEntry entry = new TarArchiveEntry(name, true);
        entry.setName(name);
        entry.setSize(name.endsWith("/") ? 0 : 4);
        tar.putArchiveEntry(entry);
        if (!name.endsWith("/")) {
          tar.write("text".getBytes(StandardCharsets.UTF_8));
        }
        tar.closeArchiveEntry();
      }
    }
    return archive;
  }

  private static TarArchiveOutputStream tarTo(Path archive) throws IOException {
    return new TarArchiveOutputStream(
        new GzipCompressorOutputStream(Files.newOutputStream(archive)));
  }
}

package io.lapidary.data;

import io.lapidary.AtomicFiles;
import io.lapidary.Check;
import io.lapidary.InputException;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Collections;
import java.util.Locale;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.apache.commons.compress.archivers.tar.TarConstants;
import org.apache.commons.compress.archivers.zip.ZipArchiveEntry;
import org.apache.commons.compress.archivers.zip.ZipFile;
import org.apache.commons.compress.compressors.gzip.GzipCompressorInputStream;

/**
 * Unpacks .zip, .tar, .tar.gz and .tgz files from strangers. Only plain files and folders below the
 * target are made: paths that lead outside, links, devices, encrypted entries, repeated entries and
 * archives that swell beyond the limits are refused, and nothing of a refused archive stays.
 */
public final class Archives {
  /**
   * How large an unpacked archive may be.
   *
   * @param entries most entries
   * @param bytes most bytes in all
   * @param ratio most unpacked bytes for each packed byte, counted beyond the first 64 MiB
   */
  public record Limits(long entries, long bytes, long ratio) {
    /** 200,000 entries, 16 GiB, 100 to 1. */
    public static final Limits DEFAULT = new Limits(200_000, 16L << 30, 100);

    /** Checks the values. */
    public Limits {
      Check.positive("entries", entries);
      Check.positive("bytes", bytes);
      Check.positive("ratio", ratio);
    }
  }

  private static final long FREE = 64L << 20;

  private final Path archive;
  private final Path root;
  private final long byteLimit;
  private final long entryLimit;
  private long entries;
  private long bytes;

  private Archives(Path archive, Path root, Limits limits) throws IOException {
    this.archive = archive;
    this.root = root;
    this.entryLimit = limits.entries();
    this.byteLimit = Math.min(limits.bytes(), FREE + Files.size(archive) * limits.ratio());
  }

  /**
   * Unpacks into a new folder, which appears only when everything went well.
   *
   * @throws InputException when the archive is damaged, refused, or of an unknown kind
   */
  public static void unpack(Path archive, Path folder, Limits limits) {
    String name = archive.getFileName().toString().toLowerCase(Locale.ROOT);
    boolean zip = name.endsWith(".zip");
    boolean zipped = name.endsWith(".tar.gz") || name.endsWith(".tgz");
    if (!zip && !zipped && !name.endsWith(".tar")) {
      throw InputException.of("%s: expected a .zip, .tar, .tar.gz or .tgz file", archive);
    }
    if (Files.exists(folder)) {
      throw InputException.of("%s: is there already; remove it to unpack again", folder);
    }
    Path temporary =
        folder.resolveSibling("." + folder.getFileName() + "." + ProcessHandle.current().pid());
    try {
      AtomicFiles.deleteTree(temporary);
      Files.createDirectories(temporary);
      try {
        Archives run = new Archives(archive, temporary, limits);
        if (zip) {
          run.zip();
        } else {
          run.tar(zipped);
        }
        Files.move(temporary, folder, StandardCopyOption.ATOMIC_MOVE);
      } finally {
        AtomicFiles.deleteTree(temporary);
      }
    } catch (IllegalArgumentException | IndexOutOfBoundsException | NegativeArraySizeException e) {
      throw new InputException(
          String.format("%s: damaged (%s); fetch it again", archive, e.getMessage()), e);
    } catch (IOException e) {
      throw new InputException(
          String.format(
              "%s: cannot be unpacked to %s (%s); fetch it again or free space",
              archive, folder, AtomicFiles.reason(e)),
          e);
    }
  }

  private void zip() throws IOException {
    try (ZipFile file = ZipFile.builder().setPath(archive).get()) {
      for (ZipArchiveEntry entry : Collections.list(file.getEntries())) {
        if (entry.isUnixSymlink() || isSpecial(entry.getUnixMode())) {
          throw refused(entry.getName(), "is a link or device");
        }
        if (!file.canReadEntryData(entry)) {
          throw refused(entry.getName(), "is encrypted or packed in an unknown way");
        }
        if (entry.isDirectory()) {
          folder(entry.getName());
        } else {
          try (InputStream in = file.getInputStream(entry)) {
            file(entry.getName(), in);
          }
        }
      }
    }
  }

  private static boolean isSpecial(int mode) {
    int kind = mode & 0170000;
    return kind != 0 && kind != 0100000 && kind != 0040000;
  }

  private void tar(boolean zipped) throws IOException {
    try (InputStream raw = new BufferedInputStream(Files.newInputStream(archive), 1 << 16);
        InputStream plain = zipped ? new GzipCompressorInputStream(raw, true) : raw;
        TarArchiveInputStream tar = new TarArchiveInputStream(plain)) {
      for (TarArchiveEntry e = tar.getNextEntry(); e != null; e = tar.getNextEntry()) {
        if (e.isSymbolicLink() || e.isLink()) {
          throw refused(e.getName(), "is a link");
        }
        if (e.isDirectory()) {
          folder(e.getName());
        } else if (isPlain(e)) {
          file(e.getName(), tar);
        } else {
          throw refused(e.getName(), "is neither a plain file nor a folder");
        }
      }
    }
  }

  // isFile() is true for devices as well
  private static boolean isPlain(TarArchiveEntry e) {
    byte kind = e.getLinkFlag();
    return (kind == TarConstants.LF_NORMAL || kind == TarConstants.LF_OLDNORM) && !e.isSparse();
  }

  private void folder(String name) throws IOException {
    count(name);
    Path path = inside(name);
    try {
      Files.createDirectories(path);
    } catch (FileAlreadyExistsException e) {
      throw refused(name, "is both a file and a folder");
    }
  }

  private void file(String name, InputStream in) throws IOException {
    count(name);
    Path path = inside(name);
    if (path.equals(root)) {
      throw refused(name, "has no name");
    }
    try {
      Files.createDirectories(path.getParent());
      try (OutputStream out = Files.newOutputStream(path, StandardOpenOption.CREATE_NEW)) {
        byte[] buffer = new byte[1 << 16];
        for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
          bytes += n;
          if (bytes > byteLimit) {
            throw refused(name, "makes the archive swell beyond " + byteLimit + " bytes");
          }
          out.write(buffer, 0, n);
        }
      }
    } catch (FileAlreadyExistsException e) {
      throw refused(name, "comes twice");
    }
  }

  private void count(String name) {
    entries++;
    if (entries > entryLimit) {
      throw refused(name, "is one more than the " + entryLimit + " entries allowed");
    }
  }

  private Path inside(String name) {
    boolean drive = name.length() > 1 && name.charAt(1) == ':';
    if (name.startsWith("/") || name.indexOf('\\') >= 0 || name.indexOf(0) >= 0 || drive) {
      throw refused(name, "has an absolute or foreign path");
    }
    Path path = root;
    for (String step : name.split("/")) {
      if (step.equals("..")) {
        throw refused(name, "leads out of the folder");
      }
      if (!step.isEmpty() && !step.equals(".")) {
        try {
          path = path.resolve(step);
        } catch (java.nio.file.InvalidPathException e) {
          throw refused(name, "has a name this system cannot store");
        }
      }
    }
    if (!path.normalize().startsWith(root.normalize())) {
      throw refused(name, "leads out of the folder");
    }
    return path;
  }

  private InputException refused(String name, String why) {
    String shown = name.length() > 200 ? name.substring(0, 200) + "…" : name;
    return InputException.of(
        "%s: the entry '%s' %s; nothing was unpacked",
        archive, shown.replaceAll("\\p{Cntrl}", "?"), why);
  }
}

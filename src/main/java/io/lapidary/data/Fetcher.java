package io.lapidary.data;

import io.lapidary.AtomicFiles;
import io.lapidary.InputException;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.HttpURLConnection;
import java.net.NoRouteToHostException;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.net.URLConnection;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Locale;

/**
 * Downloads one file: into a {@code .part} file beside the target, continued by a range request
 * after an interruption, checked by SHA-256 and then renamed. The target is complete or absent.
 */
public final class Fetcher {
  private static final int ATTEMPTS = 3;
  private static final int REDIRECTS = 5;
  private static final int TIMEOUT_MILLIS = 30_000;

  private final URI uri;
  private final Path target;
  private final Path part;
  private final Path tag;
  private final long bytes;
  private final String sha256;
  private final Progress progress;

  /** Hears how far a download is. */
  @FunctionalInterface
  public interface Progress {
    /** Says nothing. */
    Progress NONE = (file, done, total) -> {};

    /**
     * Called after every piece.
     *
     * @param file name of the file
     * @param done bytes that are there
     * @param total bytes of the whole file, -1 where not known
     */
    void update(String file, long done, long total);
  }

  private Fetcher(URI uri, Path target, long bytes, String sha256, Progress progress) {
    this.uri = uri;
    this.target = target;
    this.part = target.resolveSibling(target.getFileName() + ".part");
    this.tag = target.resolveSibling(target.getFileName() + ".part.tag");
    this.bytes = bytes;
    this.sha256 = sha256;
    this.progress = progress;
  }

  /**
   * Fetches {@code uri} to {@code target}. A target that is there already is only checked.
   *
   * @param uri http, https or file
   * @param bytes expected length, or -1
   * @param sha256 expected checksum; empty accepts any
   * @return the file's SHA-256
   * @throws InputException when the server cannot be reached, breaks off repeatedly, or sends
   *     something else; a partial download stays for the next try
   */
  public static String fetch(URI uri, Path target, long bytes, String sha256, Progress progress) {
    return new Fetcher(uri, target, bytes, sha256, progress).run();
  }

  private String run() {
    if (Files.isRegularFile(target)) {
      return checked(target, "remove the file and fetch again");
    }
    try {
      Files.createDirectories(target.toAbsolutePath().getParent());
      try (FileChannel out =
          FileChannel.open(
              part, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
        lock(out);
        download(out);
        out.force(true);
      }
      if (bytes >= 0 && Files.size(part) != bytes) {
        throw rejected(String.format("has %d bytes, expected %d", Files.size(part), bytes));
      }
      String found = Hashes.sha256(part);
      if (!sha256.isEmpty() && !found.equals(sha256)) {
        throw rejected(String.format("has sha256 %s, expected %s", found, sha256));
      }
      Files.move(part, target, StandardCopyOption.REPLACE_EXISTING);
      Files.deleteIfExists(tag);
      return found;
    } catch (IOException e) {
      throw new InputException(
          String.format(
              "%s: cannot be written (%s); free space or choose another cache with"
                  + " -Dlapidary.cache=FOLDER",
              target, AtomicFiles.reason(e)),
          e);
    }
  }

  private String checked(Path file, String remedy) {
    String found = Hashes.sha256(file);
    if (!sha256.isEmpty() && !found.equals(sha256)) {
      throw InputException.of("%s: sha256 %s, expected %s; %s", file, found, sha256, remedy);
    }
    return found;
  }

  private InputException rejected(String what) throws IOException {
    Files.deleteIfExists(part);
    Files.deleteIfExists(tag);
    return InputException.of(
        "%s: the download %s; it was thrown away. Fetch again, or check the source if it happens"
            + " again",
        uri, what);
  }

  private void lock(FileChannel channel) throws IOException {
    try {
      FileLock lock = channel.tryLock();
      if (lock != null) {
        return;
      }
    } catch (OverlappingFileLockException e) {
      // the same program in another thread: the message is the same
    }
    throw InputException.of("%s: is being fetched by another run; wait for it to end", target);
  }

  private void download(FileChannel out) throws IOException {
    IOException last = null;
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
      try {
        attempt(out);
        return;
      } catch (UnknownHostException | ConnectException | NoRouteToHostException e) {
        throw new InputException(
            String.format(
                "%s: the server cannot be reached (%s). Check the network; without one, copy the"
                    + " file from another machine to %s and run the command again: it is checked"
                    + " and used",
                uri, AtomicFiles.reason(e), target),
            e);
      } catch (TransferException e) {
        last = e.reason();
      }
    }
    throw new InputException(
        String.format(
            "%s: broke off %d times (%s) after %d bytes, which are kept; fetch again to continue",
            uri, ATTEMPTS, AtomicFiles.reason(last), out.size()),
        last);
  }

  /** The connection failed on the way; trouble with the local file stays a plain IOException. */
  private static final class TransferException extends Exception {
    private static final long serialVersionUID = 1L;

    private final IOException reason;

    TransferException(IOException reason) {
      super(reason);
      this.reason = reason;
    }

    IOException reason() {
      return reason;
    }
  }

  private void attempt(FileChannel out) throws IOException, TransferException {
    long have = out.size();
    String validator = Files.isRegularFile(tag) ? Files.readString(tag).strip() : "";
    if (have > 0 && validator.isEmpty() && sha256.isEmpty()) {
      have = 0; // nothing would tell a changed file from its continuation
    }
    if (bytes >= 0 && have == bytes) {
      return;
    }
    URLConnection connection = connect(have, validator);
    long start = 0;
    if (connection instanceof HttpURLConnection http) {
      int status = status(http);
      if (status == 416) { // nothing after what we have: start over
        http.disconnect();
        out.truncate(0);
        connection = connect(0, "");
        http = (HttpURLConnection) connection;
        status = status(http);
      }
      if (status == HttpURLConnection.HTTP_PARTIAL && rangeStart(http) == have) {
        start = have;
      } else if (status == HttpURLConnection.HTTP_PARTIAL) {
        http.disconnect();
        out.truncate(0);
        throw new TransferException(new IOException("the server continued at another place"));
      } else if (status != HttpURLConnection.HTTP_OK) {
        http.disconnect();
        if (status >= 500) {
          throw new TransferException(new IOException("the server answered " + status));
        }
        throw InputException.of(
            "%s: the server answered %d; the address may have moved, see the data set's home page"
                + " and place the file at %s",
            uri, status, target);
      }
      remember(http);
    }
    long rest = connection.getContentLengthLong();
    copy(connection, out, start, rest < 0 ? bytes : start + rest);
  }

  private void copy(URLConnection connection, FileChannel out, long start, long total)
      throws IOException, TransferException {
    out.truncate(start);
    out.position(start);
    long done = start;
    byte[] buffer = new byte[1 << 16];
    try (InputStream in = open(connection)) {
      for (int n = read(in, buffer); n >= 0; n = read(in, buffer)) {
        ByteBuffer piece = ByteBuffer.wrap(buffer, 0, n);
        while (piece.hasRemaining()) {
          out.write(piece);
        }
        done += n;
        if (bytes >= 0 && done > bytes) {
          throw rejected("is longer than the expected " + bytes + " bytes");
        }
        progress.update(target.getFileName().toString(), done, total);
      }
    }
    if (total >= 0 && done < total) {
      throw new TransferException(
          new EOFException("the connection ended after " + done + " of " + total + " bytes"));
    }
  }

  private URLConnection connect(long have, String validator) throws IOException, TransferException {
    URI at = uri;
    for (int hop = 0; hop <= REDIRECTS; hop++) {
      String scheme = String.valueOf(at.getScheme()).toLowerCase(Locale.ROOT);
      if (!scheme.equals("http") && !scheme.equals("https") && !scheme.equals("file")) {
        throw InputException.of("%s: only http, https and file addresses can be fetched", at);
      }
      URLConnection connection = at.toURL().openConnection();
      connection.setConnectTimeout(TIMEOUT_MILLIS);
      connection.setReadTimeout(TIMEOUT_MILLIS);
      if (!(connection instanceof HttpURLConnection http)) {
        return connection;
      }
      http.setInstanceFollowRedirects(false); // the JDK would not go from http to https
      http.setRequestProperty("Accept-Encoding", "identity");
      if (have > 0) {
        http.setRequestProperty("Range", "bytes=" + have + "-");
        if (!validator.isEmpty()) {
          http.setRequestProperty("If-Range", validator);
        }
      }
      int status = status(http);
      String location = http.getHeaderField("Location");
      if (status < 301 || status > 308 || status == 304 || location == null) {
        return http;
      }
      http.disconnect();
      URI next = at.resolve(location);
      boolean web = "http".equals(next.getScheme()) || "https".equals(next.getScheme());
      if (!web || ("https".equals(scheme) && "http".equals(next.getScheme()))) {
        throw InputException.of("%s: refuses the redirect to %s (less secure)", at, next);
      }
      at = next;
    }
    throw InputException.of("%s: more than %d redirects", uri, REDIRECTS);
  }

  private void remember(HttpURLConnection http) throws IOException {
    String etag = http.getHeaderField("ETag");
    String changed = http.getHeaderField("Last-Modified");
    String validator = etag != null && !etag.startsWith("W/") ? etag : changed;
    if (validator == null) {
      Files.deleteIfExists(tag);
    } else {
      Files.writeString(tag, validator);
    }
  }

  private static long rangeStart(HttpURLConnection http) {
    String range = String.valueOf(http.getHeaderField("Content-Range"));
    return range.matches("bytes [0-9]{1,18}-.*")
        ? Long.parseLong(range.substring(6, range.indexOf('-')))
        : -1;
  }

  private static int status(HttpURLConnection http) throws IOException, TransferException {
    try {
      return http.getResponseCode();
    } catch (UnknownHostException | ConnectException | NoRouteToHostException e) {
      throw e;
    } catch (SocketTimeoutException e) {
      throw new TransferException(new IOException("no answer within 30 seconds"));
    } catch (IOException e) {
      throw new TransferException(e);
    }
  }

  private InputStream open(URLConnection connection) throws TransferException {
    try {
      return connection.getInputStream();
    } catch (IOException e) {
      if (!(connection instanceof HttpURLConnection)) {
        throw new InputException(
            String.format("%s: cannot be read (%s)", uri, AtomicFiles.reason(e)), e);
      }
      throw new TransferException(e);
    }
  }

  private static int read(InputStream in, byte[] buffer) throws TransferException {
    try {
      return in.read(buffer);
    } catch (IOException e) {
      throw new TransferException(e);
    }
  }
}

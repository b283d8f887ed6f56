package io.lapidary.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.lapidary.InputException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FetchTest {
  private static final byte[] BODY = new byte[300_001];
  private static final String SHA256;

  static {
    new SplittableRandom(4).nextBytes(BODY);
    SHA256 = Hashes.sha256(BODY);
  }

  @TempDir Path folder;
  private HttpServer server;
  private final List<String> ranges = Collections.synchronizedList(new ArrayList<>());
  private volatile byte[] body = BODY;
  private volatile int cuts;
  private volatile int failures;
  private volatile boolean rangeable = true;
  private volatile String etag = "\"one\"";

  @BeforeEach
  void serve() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext("/file", this::answer);
    server.createContext(
        "/moved",
        exchange -> {
          exchange.getResponseHeaders().add("Location", "/file");
          exchange.sendResponseHeaders(302, -1);
          exchange.close();
        });
    server.createContext(
        "/loop",
        exchange -> {
          exchange.getResponseHeaders().add("Location", "/loop");
          exchange.sendResponseHeaders(301, -1);
          exchange.close();
        });
    server.createContext(
        "/local",
        exchange -> {
          exchange.getResponseHeaders().add("Location", "file:///etc/hostname");
          exchange.sendResponseHeaders(301, -1);
          exchange.close();
        });
    server.start();
  }

  @AfterEach
  void stop() {
    server.stop(0);
  }

  private void answer(HttpExchange exchange) throws IOException {
    String range = exchange.getRequestHeaders().getFirst("Range");
    String condition = exchange.getRequestHeaders().getFirst("If-Range");
    ranges.add(String.valueOf(range));
    if (failures > 0) {
      failures--;
      exchange.sendResponseHeaders(503, -1);
      exchange.close();
      return;
    }
    int from = 0;
    int status = 200;
    if (etag != null) {
      exchange.getResponseHeaders().add("ETag", etag);
    }
    if (rangeable && range != null && (condition == null || condition.equals(etag))) {
      from = Integer.parseInt(range.replaceAll("[^0-9]", ""));
      if (from >= body.length) {
        exchange.sendResponseHeaders(416, -1);
        exchange.close();
        return;
      }
      status = 206;
      exchange
          .getResponseHeaders()
          .add("Content-Range", "bytes " + from + "-" + (body.length - 1) + "/" + body.length);
    }
    exchange.sendResponseHeaders(status, body.length - from);
    int to = body.length;
    if (cuts > 0) {
      cuts--;
      to = from + (body.length - from) / 2;
    }
    try {
      exchange.getResponseBody().write(body, from, to - from);
      exchange.getResponseBody().flush();
    } finally {
      exchange.close();
    }
  }

  private URI uri(String path) {
    return URI.create("http://127.0.0.1:" + server.getAddress().getPort() + path);
  }

  private String fetch(String sha256) {
    return Fetcher.fetch(
        uri("/file"), folder.resolve("x/file.bin"), BODY.length, sha256, Fetcher.Progress.NONE);
  }

  private void assertComplete() throws IOException {
    assertThat(Files.readAllBytes(folder.resolve("x/file.bin"))).isEqualTo(BODY);
    try (var files = Files.list(folder.resolve("x"))) {
      assertThat(files).hasSize(1);
    }
  }

  @Test
  void fetchesOnceAndTellsProgress() throws Exception {
    List<Long> done = new ArrayList<>();
    Path target = folder.resolve("x/file.bin");
    String found =
        Fetcher.fetch(
            uri("/moved"),
            target,
            -1,
            "",
            (name, at, total) -> {
              assertThat(name).isEqualTo("file.bin");
              assertThat(total).isEqualTo(BODY.length);
              done.add(at);
            });
    assertThat(found).isEqualTo(SHA256);
    assertThat(done).isSorted().endsWith((long) BODY.length);
    assertComplete();
    fetch(SHA256);
    assertThat(ranges).hasSize(1); // the second time nothing was asked for
    Files.write(target, new byte[3]);
    assertThatThrownBy(() -> fetch(SHA256))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("remove the file");
  }

  @Test
  void continuesACutDownload() throws Exception {
    cuts = 2;
    fetch(SHA256);
    assertComplete();
    assertThat(ranges).hasSize(3);
    assertThat(ranges.get(0)).isEqualTo("null");
    assertThat(ranges.get(1)).isEqualTo("bytes=150000-");
    assertThat(ranges.get(2)).isEqualTo("bytes=225000-");
  }

  @Test
  void continuesInALaterRun() throws Exception {
    cuts = 3;
    assertThatThrownBy(() -> fetch(SHA256))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("fetch again to continue");
    assertThat(folder.resolve("x/file.bin")).doesNotExist();
    fetch(SHA256);
    assertComplete();
    assertThat(ranges.get(3)).isEqualTo("bytes=262500-");
  }

  @Test
  void startsOverWithoutRanges() throws Exception {
    rangeable = false;
    cuts = 2;
    fetch(SHA256);
    assertComplete();
    assertThat(ranges).hasSize(3);
  }

  @Test
  void startsOverWhenTheFileChanged() throws Exception {
    byte[] old = BODY.clone();
    Arrays.fill(old, (byte) 1);
    body = old;
    cuts = 3;
    assertThatThrownBy(() -> fetch("")).isInstanceOf(InputException.class);
    body = BODY;
    etag = "\"two\"";
    assertThat(fetch("")).isEqualTo(SHA256);
    assertComplete();
  }

  @Test
  void neverContinuesUnknownContentBlindly() throws Exception {
    etag = null; // neither a validator nor a checksum
    cuts = 1;
    assertThat(fetch("")).isEqualTo(SHA256);
    assertThat(ranges).containsExactly("null", "null");
  }

  @Test
  void refusesOtherContent() {
    assertThatThrownBy(() -> fetch("0".repeat(64)))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("has sha256 " + SHA256 + ", expected 000");
    assertThat(folder.resolve("x")).isEmptyDirectory();
    body = new byte[BODY.length + 1];
    assertThatThrownBy(() -> fetch(""))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("longer than the expected");
    body = new byte[5];
    assertThatThrownBy(() -> fetch(""))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("has 5 bytes, expected 300001");
    assertThat(folder.resolve("x")).isEmptyDirectory();
  }

  @Test
  void triesAgainAfterServerTroubleOnly() throws Exception {
    failures = 2;
    fetch(SHA256);
    assertComplete();
    assertThatThrownBy(
            () -> Fetcher.fetch(uri("/none"), folder.resolve("y"), -1, "", Fetcher.Progress.NONE))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("answered 404");
    for (String path : List.of("/loop", "/local")) {
      assertThatThrownBy(
              () -> Fetcher.fetch(uri(path), folder.resolve("y"), -1, "", Fetcher.Progress.NONE))
          .isInstanceOf(InputException.class)
          .hasMessageContaining("redirect");
    }
    assertThatThrownBy(
            () ->
                Fetcher.fetch(
                    URI.create("ftp://example.org/x"),
                    folder.resolve("y"),
                    -1,
                    "",
                    Fetcher.Progress.NONE))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("only http");
  }

  @Test
  void saysWhatToDoOffline() {
    server.stop(0);
    assertThatThrownBy(() -> fetch(SHA256))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("cannot be reached")
        .hasMessageContaining("copy the file from another machine to");
  }

  @Test
  void copiesLocalFiles() throws Exception {
    Path source = Files.write(folder.resolve("source"), BODY);
    Path target = folder.resolve("t");
    Fetcher.fetch(source.toUri(), target, -1, SHA256, Fetcher.Progress.NONE);
    assertThat(target).hasBinaryContent(BODY);
    assertThatThrownBy(
            () ->
                Fetcher.fetch(
                    folder.resolve("none").toUri(),
                    folder.resolve("u"),
                    -1,
                    "",
                    Fetcher.Progress.NONE))
        .isInstanceOf(InputException.class);
  }

  @Test
  void theRegistryFetchesUnpacksAndLocks() throws Exception {
    ByteArrayOutputStream packed = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(packed)) {
      zip.putNextEntry(new ZipEntry("Set/Set_TRAIN.ts"));
      zip.write("@data\n".getBytes(StandardCharsets.UTF_8));
    }
    body = packed.toByteArray();
    Files.createDirectories(folder.resolve("datasets/emoji"));
    DataHome home = DataHome.find(folder.toString(), null, folder);
    DatasetEntry entry =
        new DatasetEntry(
            "set", "", "", "", -1, List.of(new RemoteFile(uri("/file"), "s.zip", -1, "", true)));
    Datasets datasets = new Datasets(home, List.of(entry));
    assertThat(datasets.status("set")).isEqualTo(Datasets.Status.NOT_FETCHED);
    assertThatThrownBy(() -> datasets.folder("set"))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("lapidary datasets fetch set");
    assertThatThrownBy(() -> datasets.info("sets"))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("known: set");

    Path ready = datasets.fetch("set");
    assertThat(ready.resolve("Set/Set_TRAIN.ts")).hasContent("@data");
    assertThat(datasets.status("set")).isEqualTo(Datasets.Status.CACHED);
    assertThat(datasets.folder("set")).isEqualTo(ready).isEqualTo(datasets.fetch("set"));
    assertThat(home.cache().resolve("lock.json")).content().contains(Hashes.sha256(body));

    datasets.remove("set");
    assertThat(datasets.status("set")).isEqualTo(Datasets.Status.NOT_FETCHED);
    body = BODY; // the publisher's file is another one now
    etag = "\"two\"";
    assertThatThrownBy(() -> datasets.fetch("set"))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("sha256");
    Files.writeString(home.cache().resolve("lock.json"), "[1]");
    assertThatThrownBy(() -> datasets.fetch("set"))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("lock.json");
  }

  @Test
  void theKnownSetsAreComplete() throws Exception {
    Datasets datasets = Datasets.open();
    assertThat(datasets.list())
        .extracting(DatasetEntry::name)
        .containsExactly("emoji", "cifar10", "fashion-mnist", "ucr");
    assertThat(datasets.status("emoji")).isEqualTo(Datasets.Status.SHIPPED);
    assertThat(datasets.fetch("emoji")).isEqualTo(datasets.folder("emoji"));
    for (DatasetEntry entry : datasets.list()) { // the pages say what the registry knows
      String page = Files.readString(DataHome.find().dataset(entry.name()).resolve("README.md"));
      for (RemoteFile file : entry.files()) {
        assertThat(page).contains(file.name()).contains(file.sha256()).contains(entry.source());
      }
    }
    long bytes =
        DatasetManifest.read(datasets.folder("emoji")).files().stream()
            .mapToLong(DatasetManifest.File::bytes)
            .sum();
    assertThat(datasets.info("emoji").bytes()).isEqualTo(bytes);
  }
}

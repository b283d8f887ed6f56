package io.lapidary.app;

import io.lapidary.data.Fetcher;
import io.lapidary.report.Progress;
import io.lapidary.report.Terminal;

/** Shows a download in kilobytes, one display per file. */
final class FetchDisplay implements Fetcher.Progress, AutoCloseable {
  private final Terminal terminal;
  private String shown;
  private Progress progress;

  FetchDisplay(Terminal terminal) {
    this.terminal = terminal;
  }

  @Override
  public void update(String file, long done, long total) {
    if (!file.equals(shown)) {
      close();
      shown = file;
      progress = Progress.open(file + ", KB", total < 0 ? 0 : (total + 999) / 1000, terminal);
    }
    progress.to((done + 999) / 1000);
  }

  @Override
  public void close() {
    if (progress != null) {
      progress.close();
      progress = null;
      shown = null;
    }
  }
}

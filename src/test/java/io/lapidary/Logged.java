package io.lapidary;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import java.util.List;
import org.slf4j.LoggerFactory;

/** Catches what a class logs, so that it is checked and not printed. */
public final class Logged implements AutoCloseable {
  private final Logger logger;
  private final ListAppender<ILoggingEvent> events = new ListAppender<>();

  private Logged(Logger logger) {
    this.logger = logger;
    events.start();
    logger.addAppender(events);
    logger.setAdditive(false);
  }

  /** Catches until it is closed. */
  public static Logged by(Class<?> type) {
    return new Logged((Logger) LoggerFactory.getLogger(type));
  }

  /** What was logged so far. */
  public List<String> messages() {
    return events.list.stream().map(ILoggingEvent::getFormattedMessage).toList();
  }

  @Override
  public void close() {
    logger.setAdditive(true);
    logger.detachAppender(events);
  }
}

package io.lapidary.search;

import java.util.Properties;
import org.deeplearning4j.arbiter.optimize.api.data.DataSource;

/** Arbiter asks for a source of data; trials bring their own. */
public final class NoData implements DataSource {
  private static final long serialVersionUID = 1;

  @Override
  public void configure(Properties properties) {
    // nothing to configure
  }

  @Override
  public Object trainData() {
    throw new UnsupportedOperationException("trials bring their own data");
  }

  @Override
  public Object testData() {
    throw new UnsupportedOperationException("trials bring their own data");
  }

  @Override
  public Class<?> getDataType() {
    return Object.class;
  }
}

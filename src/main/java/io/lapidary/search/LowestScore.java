package io.lapidary.search;

import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.deeplearning4j.arbiter.optimize.api.data.DataProvider;
import org.deeplearning4j.arbiter.optimize.api.data.DataSource;
import org.deeplearning4j.arbiter.optimize.api.score.ScoreFunction;

/**
 * Tells Arbiter that less is better; scores to be maximised are given to it with the sign changed.
 * Trials score themselves, so it is never asked for one.
 */
final class LowestScore implements ScoreFunction {
  private static final long serialVersionUID = 1;

  @Override
  public double score(Object model, DataProvider data, Map<String, Object> parameters) {
    throw new UnsupportedOperationException("trials score themselves");
  }

  @Override
  public double score(Object model, Class<? extends DataSource> data, Properties properties) {
    throw new UnsupportedOperationException("trials score themselves");
  }

  @Override
  public boolean minimize() {
    return true;
  }

  @Override
  public List<Class<?>> getSupportedModelTypes() {
    return List.of(Object.class);
  }

  @Override
  public List<Class<?>> getSupportedDataTypes() {
    return List.of(Object.class);
  }
}

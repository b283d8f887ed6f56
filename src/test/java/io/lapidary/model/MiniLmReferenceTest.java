package io.lapidary.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import com.fasterxml.jackson.databind.JsonNode;
import io.lapidary.io.Jsons;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.ndarray.INDArray;

/** The sentence encoder against ONNX Runtime, the Python tokenizer and human judgement. */
class MiniLmReferenceTest {
  private static final Path GOLDEN = Path.of("src/test/resources/golden/minilm");
  private static final List<String> TEXTS = new ArrayList<>();
  private static final List<int[]> IDS = new ArrayList<>();
  private static SentenceEncoder miniLm;

  @BeforeAll
  static void load() {
    miniLm = MiniLm.load();
    for (JsonNode string : Jsons.readObject(GOLDEN.resolve("strings.json")).get("strings")) {
      TEXTS.add(string.get("text").asText());
      IDS.add(
          StreamSupport.stream(string.get("ids").spliterator(), false)
              .mapToInt(JsonNode::intValue)
              .toArray());
    }
    assertThat(TEXTS).hasSizeGreaterThanOrEqualTo(50);
  }

  @AfterAll
  static void close() {
    miniLm.close();
  }

  @Test
  void tokensAreThoseOfThePythonLibrary() {
    for (int i = 0; i < TEXTS.size(); i++) {
      assertThat(miniLm.ids(TEXTS.get(i))).as(TEXTS.get(i)).isEqualTo(IDS.get(i));
    }
  }

  @Test
  void embeddingsAreThoseOfOnnxRuntime() throws OrtException, IOException {
    byte[] model;
    try (InputStream in = MiniLm.class.getResourceAsStream("/all-minilm-l6-v2.onnx")) {
      model = in.readAllBytes();
    }
    try (INDArray ours = miniLm.embed(TEXTS);
        OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
      options.setIntraOpNumThreads(1);
      OrtEnvironment environment = OrtEnvironment.getEnvironment();
      try (OrtSession session = environment.createSession(model, options)) {
        for (int i = 0; i < TEXTS.size(); i++) {
          double[] expected = embed(environment, session, IDS.get(i));
          double[] found = ours.getRow(i).toDoubleVector();
          for (int j = 0; j < expected.length; j++) {
            assertThat(Math.abs(found[j] - expected[j])).as(TEXTS.get(i)).isLessThan(1e-5);
          }
        }
      }
    }
  }

  /** Mean of the token states at unit length. */
  private static double[] embed(OrtEnvironment environment, OrtSession session, int[] ids)
      throws OrtException {
    long[][] row = {Arrays.stream(ids).asLongStream().toArray()};
    long[][] ones = {IntStream.range(0, ids.length).mapToLong(i -> 1).toArray()};
    try (OnnxTensor input = OnnxTensor.createTensor(environment, row);
        OnnxTensor mask = OnnxTensor.createTensor(environment, ones);
        OnnxTensor types = OnnxTensor.createTensor(environment, new long[1][ids.length]);
        OrtSession.Result result =
            session.run(
                Map.of("input_ids", input, "attention_mask", mask, "token_type_ids", types))) {
      float[][] states = ((float[][][]) result.get(0).getValue())[0];
      double[] mean = new double[states[0].length];
      for (float[] state : states) {
        for (int j = 0; j < mean.length; j++) {
          mean[j] += state[j] / states.length;
        }
      }
      double norm = Math.sqrt(Arrays.stream(mean).map(x -> x * x).sum());
      return Arrays.stream(mean).map(x -> x / norm).toArray();
    }
  }

  @Test
  void similarSentencesAreThoseThatPeopleCallSimilar() {
    List<String> sentences = new ArrayList<>();
    List<Double> human = new ArrayList<>();
    for (JsonNode pair : Jsons.readObject(GOLDEN.resolve("sts.json")).get("pairs")) {
      sentences.add(pair.get("first").asText());
      sentences.add(pair.get("second").asText());
      human.add(pair.get("score").doubleValue());
    }
    List<Double> cosines = new ArrayList<>();
    try (INDArray e = miniLm.embed(sentences)) {
      for (int i = 0; i < sentences.size(); i += 2) {
        cosines.add(e.getRow(i).mul(e.getRow(i + 1)).sumNumber().doubleValue());
      }
    }
    // SciPy makes of the same cosines 0.9035
    assertThat(spearman(human, cosines)).isCloseTo(0.9035, within(0.0005));
  }

  private static double spearman(List<Double> a, List<Double> b) {
    double[] x = ranks(a);
    double[] y = ranks(b);
    double middle = (x.length + 1) / 2.0;
    double xy = 0;
    double xx = 0;
    double yy = 0;
    for (int i = 0; i < x.length; i++) {
      xy += (x[i] - middle) * (y[i] - middle);
      xx += (x[i] - middle) * (x[i] - middle);
      yy += (y[i] - middle) * (y[i] - middle);
    }
    return xy / Math.sqrt(xx * yy);
  }

  /** Ranks from 1, equal values sharing their mean. */
  private static double[] ranks(List<Double> values) {
    return values.stream()
        .mapToDouble(
            v ->
                values.stream().filter(w -> w < v).count()
                    + (values.stream().filter(w -> w.equals(v)).count() + 1) / 2.0)
        .toArray();
  }
}

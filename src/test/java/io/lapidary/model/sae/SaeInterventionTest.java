package io.lapidary.model.sae;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lapidary.InputException;
import io.lapidary.engine.ActivationEdits;
import io.lapidary.engine.GradientCheck;
import io.lapidary.model.VisionConfig;
import io.lapidary.model.VisionEncoder;
import io.lapidary.model.VisionFamily;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** Codes changed inside an encoder, against the same done by hand on its arrays. */
class SaeInterventionTest {
  private static final int WIDTH = 12;
  private static final int LATENTS = 20;
  private static final String POINT = "encoder.layers.1";

  private final VisionConfig config =
      new VisionConfig(
          VisionFamily.CLIP, 8, 4, 3, WIDTH, 24, 3, 2, "quick_gelu", 1e-5, true, false, false);
  private final VisionEncoder encoder = VisionEncoder.create(config, 5);
  private final INDArray pixels = Nd4j.rand(DataType.FLOAT, 2, 3, 8, 8).subi(0.5);
  private final SparseAutoencoder sae = autoencoder(DataType.FLOAT);
  private final List<VisionEncoder> edited = new ArrayList<>();

  private static SparseAutoencoder autoencoder(DataType type) {
    BatchTopKSae variant = new BatchTopKSae(4, DeadLatents.usual(), new ThresholdTracking(0.99, 0));
    SparseAutoencoder made =
        SparseAutoencoder.fresh(new SparseAutoencoderConfig(WIDTH, LATENTS, variant), type, 3);
    made.parameters().put("threshold", Nd4j.createFromArray(0.05));
    made.parameters().put("b_dec", Nd4j.linspace(type, -0.2, 0.04, WIDTH));
    made.parameters().put("b_enc", Nd4j.linspace(type, -0.1, 0.01, LATENTS));
    return made;
  }

  @AfterEach
  void close() {
    edited.forEach(VisionEncoder::close);
    encoder.close();
  }

  private VisionEncoder with(SaeIntervention intervention) {
    VisionEncoder made = encoder.with(ActivationEdits.of(POINT, intervention));
    edited.add(made);
    return made;
  }

  /** The state [B·T, d] that the edit reads. */
  private INDArray before() {
    return encoder.hiddenState(pixels, 2).reshape('c', -1, WIDTH);
  }

  private INDArray after(VisionEncoder model) {
    return model.hiddenState(pixels, 2).reshape('c', -1, WIDTH);
  }

  private INDArray byHand(Consumer<INDArray> change) {
    INDArray codes = sae.encode(before());
    change.accept(codes);
    return sae.decode(codes);
  }

  private static void same(INDArray got, INDArray expected) {
    assertThat(got.sub(expected).amaxNumber().doubleValue()).isLessThan(1e-5);
  }

  @Test
  void unchangedCodesAreThePlainReconstruction() {
    VisionEncoder model = with(new SaeIntervention(sae));
    same(after(model), byHand(codes -> {}));
    assertThat(after(model).sub(before()).amaxNumber().doubleValue()).isGreaterThan(0.01);
    assertThat(model.pooled(pixels).sub(encoder.pooled(pixels)).amaxNumber().doubleValue())
        .as("later blocks read the reconstruction")
        .isGreaterThan(0.001);
    same(encoder.hiddenState(pixels, 2).reshape('c', -1, WIDTH), before());
  }

  @Test
  void theErrorTermLeavesTheModelAsItIs() {
    VisionEncoder model = with(new SaeIntervention(sae, true, SaeIntervention.Tokens.ALL));
    same(after(model), before());
    same(model.pooled(pixels), encoder.pooled(pixels));
  }

  @Test
  void changesTakeEffectFromRunToRun() {
    SaeIntervention change = new SaeIntervention(sae);
    VisionEncoder model = with(change);
    after(model);
    change.replace(7, 3);
    same(after(model), byHand(codes -> codes.putColumn(7, Nd4j.valueArrayOf(codes.rows(), 3f))));
    change.reset().add(2, -0.5);
    same(after(model), byHand(codes -> codes.getColumn(2).subi(0.5)));
    change.reset().scale(4, 2.5);
    same(after(model), byHand(codes -> codes.getColumn(4).muli(2.5)));
    change.reset().ablate(4);
    same(after(model), byHand(codes -> codes.getColumn(4).assign(0)));
    change.ablateAll().replace(1, 2);
    same(
        after(model),
        byHand(codes -> codes.assign(0).putColumn(1, Nd4j.valueArrayOf(codes.rows(), 2f))));
    INDArray direction = Nd4j.linspace(DataType.FLOAT, 0, 0.1, WIDTH);
    change.reset().direction(direction);
    same(after(model), byHand(codes -> {}).addRowVector(direction));
    change.reset();
    same(after(model), byHand(codes -> {}));
  }

  @Test
  void theErrorTermKeepsTheEffectOfAChange() {
    SaeIntervention change = new SaeIntervention(sae, true, SaeIntervention.Tokens.ALL);
    INDArray codes = sae.encode(before());
    INDArray moved = byHand(c -> c.putColumn(3, Nd4j.valueArrayOf(c.rows(), 2f)));
    same(after(with(change.replace(3, 2))), before().add(moved.sub(sae.decode(codes))));
  }

  @Test
  void replacingByThePresentValueIsThePlainReconstruction() {
    INDArray one = pixels.get(NDArrayIndex.interval(0, 1)).dup();
    double present =
        sae.encode(encoder.hiddenState(one, 2).reshape('c', -1, WIDTH)).getDouble(0, 6);
    SaeIntervention first = new SaeIntervention(sae, false, SaeIntervention.Tokens.FIRST);
    VisionEncoder model = with(first);
    INDArray plain = model.hiddenState(one, 2);
    first.replace(6, present);
    same(model.hiddenState(one, 2), plain);
  }

  @Test
  void someTokensOnly() {
    int tokens = config.tokens();
    SaeIntervention first = new SaeIntervention(sae, false, SaeIntervention.Tokens.FIRST);
    SaeIntervention rest = new SaeIntervention(sae, false, SaeIntervention.Tokens.REST);
    INDArray state = before();
    INDArray all = byHand(codes -> codes.getColumn(5).assign(1));
    INDArray gotFirst = after(with(first.replace(5, 1)));
    INDArray gotRest = after(with(rest.replace(5, 1)));
    for (int row = 0; row < state.rows(); row++) {
      boolean isFirst = row % tokens == 0;
      same(gotFirst.getRow(row), (isFirst ? all : state).getRow(row));
      same(gotRest.getRow(row), (isFirst ? state : all).getRow(row));
    }
  }

  @Test
  void gradientsPassThroughTheAutoencoder() {
    SparseAutoencoder doubles = autoencoder(DataType.DOUBLE);
    SaeIntervention change =
        new SaeIntervention(doubles, true, SaeIntervention.Tokens.REST).replace(2, 1.5);
    for (long seed = 0; seed < 5; seed++) {
      double error =
          GradientCheck.relativeError(
              seed, false, (in, ops) -> change.apply(in.graph, in.any(2, 3, WIDTH)));
      assertThat(error).as("seed %d", seed).isLessThan(1e-6);
    }
  }

  @Test
  void saysWhatDoesNotFit() {
    SaeIntervention change = new SaeIntervention(sae);
    assertThatThrownBy(() -> change.replace(LATENTS, 1)).hasMessageContaining("latent");
    assertThatThrownBy(() -> change.replace(0, Double.NaN)).hasMessageContaining("finite");
    VisionEncoder unknown = encoder.with(ActivationEdits.of("encoder.layers.7", change));
    assertThatThrownBy(() -> unknown.pooled(pixels))
        .hasMessageContaining("encoder.layers.7")
        .hasMessageContaining("encoder.layers.2");
    assertThatThrownBy(() -> unknown.with(ActivationEdits.of("encoder.layers.7", change)))
        .hasMessageContaining("already");
    SparseAutoencoder narrow =
        SparseAutoencoder.fresh(
            new SparseAutoencoderConfig(WIDTH - 1, LATENTS, new StandardSae(0.1, 0)),
            DataType.FLOAT,
            1);
    VisionEncoder other = with(new SaeIntervention(narrow));
    assertThatThrownBy(() -> other.pooled(pixels)).hasMessageContaining("width 11");
    sae.parameters().put("threshold", Nd4j.createFromArray(-1.0));
    assertThatThrownBy(() -> new SaeIntervention(sae))
        .isInstanceOf(InputException.class)
        .hasMessageContaining("threshold");
  }
}

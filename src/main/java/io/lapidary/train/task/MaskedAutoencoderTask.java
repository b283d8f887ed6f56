package io.lapidary.train.task;

import io.lapidary.data.Batches;
import io.lapidary.data.Column;
import io.lapidary.data.Emoji;
import io.lapidary.data.EmojiDataset;
import io.lapidary.data.EmojiExample;
import io.lapidary.data.Normalization;
import io.lapidary.data.Pictures;
import io.lapidary.engine.Parameters;
import io.lapidary.io.Dtype;
import io.lapidary.io.ImageProcessor;
import io.lapidary.model.MaskedAutoencoder;
import io.lapidary.model.VisionConfig;
import io.lapidary.model.VisionEncoder;
import io.lapidary.model.VisionFamily;
import io.lapidary.train.TrainResult;
import io.lapidary.train.Trainer;
import io.lapidary.train.TrainingTask;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.nd4j.linalg.api.buffer.DataType;

/** Pretrains a vision transformer as a {@link MaskedAutoencoder}; saved as a folder of type vit. */
public final class MaskedAutoencoderTask implements TrainingTask<MaskedAutoencoderConfig> {
  private static final String PIXELS = "pixel_values";
  private static final String KEPT = "kept";
  private static final String MASKED = "masked";
  private static final String RESTORED = "restored";

  @Override
  public String name() {
    return "masked-autoencoder";
  }

  @Override
  public String description() {
    return "a vision transformer pretrained on emoji pictures by painting masked patches";
  }

  @Override
  public Class<MaskedAutoencoderConfig> configType() {
    return MaskedAutoencoderConfig.class;
  }

  @Override
  public Outcome train(MaskedAutoencoderConfig config, Run run) {
    Parameters parameters = new Parameters(DataType.FLOAT, run.seeds().stream("weights").seed());
    MaskedAutoencoder model = model(config.network());
    TrainResult result =
        run.apply(
                Trainer.builder(
                        config.train(),
                        parameters,
                        (g, in) ->
                            Map.of(
                                "pixels",
                                model.loss(
                                    g,
                                    in.get(PIXELS),
                                    in.get(KEPT),
                                    in.get(MASKED),
                                    in.get(RESTORED))),
                        batches(config, model, run))
                    .features(PIXELS, KEPT, MASKED, RESTORED)
                    .noise(run.seeds().stream("noise"))
                    .identity(config))
            .build()
            .run();
    if (result.reason() == TrainResult.Reason.STOPPED) {
      return new Outcome(result, null);
    }
    Path folder = run.folder().resolve("model");
    try (VisionEncoder encoder = new VisionEncoder(model.encoder(), parameters)) {
      encoder.save(folder, Dtype.F32);
    }
    ImageProcessor.writeClip(folder, EmojiDataset.SIZE, 0.5, 0.5);
    return new Outcome(result, folder);
  }

  /** The model of some sizes. */
  static MaskedAutoencoder model(MaskedAutoencoderConfig.Network network) {
    VisionConfig encoder = encoder(network);
    int kept = (int) Math.round(network.kept() * encoder.patches());
    return new MaskedAutoencoder(
        encoder, kept, network.decoderWidth(), network.decoderLayers(), network.decoderHeads());
  }

  private static VisionConfig encoder(MaskedAutoencoderConfig.Network network) {
    return new VisionConfig(
        VisionFamily.VIT,
        EmojiDataset.SIZE,
        network.patchSize(),
        3,
        network.width(),
        4 * network.width(),
        network.layers(),
        network.heads(),
        "gelu",
        1e-6,
        true,
        false,
        false);
  }

  private static Batches batches(MaskedAutoencoderConfig config, MaskedAutoencoder model, Run run) {
    EmojiDataset data = EmojiDataset.open();
    List<EmojiExample> examples = new ArrayList<>();
    for (Emoji emoji : data.all()) {
      for (Emoji.Vendor vendor : Emoji.Vendor.values()) {
        boolean wanted = config.vendor() == null || config.vendor() == vendor;
        if (wanted && emoji.base() && emoji.has(vendor)) {
          examples.add(new EmojiExample(emoji.index(), vendor));
        }
      }
    }
    Pictures pictures = data.pictures(examples);
    Pictures all = config.grey() ? new WithGrey(pictures) : pictures;
    int patches = model.encoder().patches();
    Batches.Builder batches =
        Batches.builder(config.batchSize(), run.seeds().stream("batches"))
            .feature(Column.pictures(all, config.augmentation(), Normalization.SYMMETRIC));
    for (Column.PatchMask part : Column.PatchMask.values()) {
      batches.feature(Column.patchMasks(all.size(), patches, model.kept(), part));
    }
    return batches.shuffle(true).dropLast(true).build();
  }

  /** Pictures, and behind them the same without colour. */
  private record WithGrey(Pictures coloured) implements Pictures {
    // ITU-R BT.601, as in most picture libraries
    private static final float[] LUMA = {0.299f, 0.587f, 0.114f};

    @Override
    public int size() {
      return 2 * coloured.size();
    }

    @Override
    public int channels() {
      return coloured.channels();
    }

    @Override
    public int height() {
      return coloured.height();
    }

    @Override
    public int width() {
      return coloured.width();
    }

    @Override
    public void read(int index, float[] planes) {
      int count = coloured.size();
      coloured.read(index % count, planes);
      if (index < count) {
        return;
      }
      int area = height() * width();
      for (int i = 0; i < area; i++) {
        float grey =
            LUMA[0] * planes[i] + LUMA[1] * planes[area + i] + LUMA[2] * planes[2 * area + i];
        planes[i] = grey;
        planes[area + i] = grey;
        planes[2 * area + i] = grey;
      }
    }
  }
}

package io.lapidary.app;

import io.lapidary.InputException;
import io.lapidary.io.Tokenizer;
import io.lapidary.model.CausalLm;
import java.nio.file.Path;
import org.nd4j.linalg.api.ndarray.INDArray;

/** States of a block of a language model over windows of a text. */
record TextStates(Path folder, CausalLm model, TextWindows windows, int block)
    implements TokenStates {

  static TextStates open(Path folder, Path text, String layer, int context) {
    try (Tokenizer tokenizer = Tokenizer.open(folder)) {
      TextWindows windows = TextWindows.read(text, tokenizer, context);
      CausalLm model = CausalLm.load(folder);
      int most = model.config().maxPositions();
      if (context > most) {
        throw InputException.of(
            "%s: takes %d tokens, --context is %d; choose a smaller one", folder, most, context);
      }
      int block = TokenStates.block(folder, layer, model.config().layers().size());
      return new TextStates(folder, model, windows, block);
    }
  }

  @Override
  public String layer() {
    return "block " + block;
  }

  @Override
  public int tokens() {
    return windows.ids()[0].length;
  }

  @Override
  public int width() {
    return model.config().hiddenSize();
  }

  @Override
  public boolean classToken() {
    return false;
  }

  @Override
  public TokenChoice usual() {
    return TokenChoice.of("all");
  }

  @Override
  public String data() {
    return windows.name();
  }

  @Override
  public String dataSha256() {
    return windows.sha256();
  }

  @Override
  public int examples() {
    return windows.size();
  }

  @Override
  public String unit() {
    return "windows of text";
  }

  @Override
  public INDArray of(int first, int count) {
    return model.blockOutput(windows.batch(first, count), block);
  }

  @Override
  public void close() {
    model.close();
  }
}

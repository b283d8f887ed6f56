package io.lapidary.app;

import io.lapidary.InputException;
import io.lapidary.engine.Runtime;
import io.lapidary.io.ChatFormat;
import io.lapidary.io.ChatTemplate;
import io.lapidary.io.CheckpointFolder;
import io.lapidary.io.Tokenizer;
import io.lapidary.layer.LoraAdapters;
import io.lapidary.model.CausalLm;
import io.lapidary.model.GenerateOptions;
import io.lapidary.model.Generator;
import io.lapidary.model.LoraAdapter;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code lapidary generate DIR --prompt TEXT}: lets a language model continue texts. */
@Command(
    name = "generate",
    description = "Lets a language model continue texts.",
    footer = {
      "",
      "Examples:",
      "  lapidary generate models/gpt2 --prompt Gemstones --max-tokens 40",
      "  lapidary generate models/gpt2 --prompt Once --temperature 0.8 --top-p 0.95 --seed 1",
      "  lapidary generate models/phi-3-mini --chat --prompt Why?",
      "  lapidary generate models/llava --prompt Describe --image ruby.png"
    })
final class GenerateCommand implements Callable<Integer> {
  @Parameters(paramLabel = "DIR", description = "A model folder with tokenizer.json.")
  private Path folder;

  @Option(
      names = "--prompt",
      required = true,
      paramLabel = "TEXT",
      description = "The text to continue; several run as one batch.")
  private List<String> prompts;

  @Option(
      names = "--image",
      paramLabel = "FILE",
      description = "A picture for a vision-language model: one per <image> in the prompts.")
  private List<Path> images = List.of();

  @Option(
      names = "--vision-tower",
      paramLabel = "DIR",
      description = "The image tower of a vision-language model that is stored without it.")
  private Path tower;

  @Option(
      names = "--adapter",
      paramLabel = "DIR",
      description = "A LoRA adapter to lay over the model.")
  private Path adapter;

  @Option(
      names = "--chat",
      description = "Put each prompt as a user's question in the chat format of the model.")
  private boolean chat;

  @Option(
      names = "--chat-format",
      paramLabel = "NAME",
      description = {
        "phi3, qwen2, qwen2.5, vicuna, llama2, llama3, mistral or mistral.v3, instead of the",
        "model's own."
      })
  private String format;

  @Option(
      names = "--system",
      paramLabel = "TEXT",
      description = "The system turn of a chat (default: that of the format).")
  private String system;

  @Option(names = "--max-tokens", paramLabel = "N", description = "Most new tokens (default 64).")
  private int maxTokens = 64;

  @Option(
      names = "--temperature",
      paramLabel = "T",
      description = "0 takes the likeliest token (default 0).")
  private double temperature;

  @Option(names = "--top-k", paramLabel = "K", description = "Draw among the K likeliest tokens.")
  private int topK;

  @Option(
      names = "--top-p",
      paramLabel = "P",
      description = "Draw among the likeliest tokens of this total probability.")
  private double topP = 1;

  @Option(
      names = "--repetition-penalty",
      paramLabel = "X",
      description = "Above 1 makes tokens seen before less likely.")
  private double penalty = 1;

  @Option(names = "--stop", paramLabel = "TEXT", description = "A text that ends the output.")
  private List<String> stops = List.of();

  @Option(names = "--seed", paramLabel = "N", description = "Seed of the draws (default 0).")
  private long seed;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    GenerateOptions options;
    try {
      options =
          new GenerateOptions(maxTokens, temperature, topK, topP, penalty, List.of(), stops, seed);
    } catch (IllegalArgumentException e) {
      throw new InputException(e.getMessage(), e);
    }
    Runtime.check();
    if (PicturePrompts.isFor(folder)) {
      print(pictured(options));
      return 0;
    }
    if (!images.isEmpty() || tower != null) {
      throw InputException.of("%s: this model takes no pictures", folder);
    }
    try (CausalLm base = CausalLm.load(folder);
        Tokenizer tokenizer = Tokenizer.open(folder)) {
      LoraAdapters adapters = adapter == null ? LoraAdapters.NONE : adapters(base);
      try (CausalLm lm = base.with(adapters);
          Generator generator = new Generator(lm)) {
        print(generate(tokenizer, options, generator::generate));
      }
    }
    return 0;
  }

  private void print(List<Generator.Continuation> all) {
    all.forEach(c -> spec.commandLine().getOut().println(c.text()));
  }

  private List<Generator.Continuation> pictured(GenerateOptions options) {
    try (CheckpointFolder open = CheckpointFolder.open(folder);
        Tokenizer tokenizer = Tokenizer.open(folder);
        PicturePrompts base = PicturePrompts.open(open, tower);
        PicturePrompts model = adapter == null ? base : base.withAdapter(adapter)) {
      return generate(
          tokenizer, options, (t, texts, stopped) -> model.generate(t, texts, images, stopped));
    }
  }

  /** How a model continues texts. */
  private interface Writer {
    List<Generator.Continuation> continued(
        Tokenizer tokenizer, List<String> texts, GenerateOptions options);
  }

  private LoraAdapters adapters(CausalLm base) {
    return LoraAdapter.load(adapter, base, "adapter").applied();
  }

  private List<Generator.Continuation> generate(
      Tokenizer tokenizer, GenerateOptions options, Writer writer) {
    ChatTemplate template = template();
    List<String> texts =
        template == null
            ? prompts
            : prompts.stream().map(prompt -> template.prompt(turns(prompt))).toList();
    GenerateOptions stopped =
        template == null ? options : options.stoppingAt(ends(template, tokenizer), stops);
    try {
      return writer.continued(tokenizer, texts, stopped);
    } catch (IllegalArgumentException e) { // a prompt that is empty or too long
      throw new InputException(folder + ": " + e.getMessage(), e);
    }
  }

  /** The format asked for; null when prompts are plain texts. */
  private ChatTemplate template() {
    if (format != null) {
      return ChatFormat.named(format);
    }
    if (!chat) {
      if (system != null) {
        throw new ParameterException(spec.commandLine(), "--system needs --chat");
      }
      return null;
    }
    try (CheckpointFolder open = CheckpointFolder.open(folder)) {
      return ChatFormat.of(folder, open.config().path("model_type").asText("none"));
    }
  }

  private List<ChatTemplate.Turn> turns(String prompt) {
    ChatTemplate.Turn question = new ChatTemplate.Turn(ChatTemplate.Role.USER, prompt);
    return system == null
        ? List.of(question)
        : List.of(new ChatTemplate.Turn(ChatTemplate.Role.SYSTEM, system), question);
  }

  private static List<Integer> ends(ChatTemplate template, Tokenizer tokenizer) {
    return template.ends().stream()
        .map(tokenizer::id)
        .filter(OptionalInt::isPresent)
        .map(OptionalInt::getAsInt)
        .toList();
  }
}

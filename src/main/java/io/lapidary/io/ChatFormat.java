package io.lapidary.io;

import com.fasterxml.jackson.databind.JsonNode;
import io.lapidary.AtomicFiles;
import io.lapidary.Check;
import io.lapidary.InputException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** The published chat formats of the model families that load. */
public enum ChatFormat implements ChatTemplate {
  /** Phi 3. */
  PHI3("<|%s|>\n", "<|end|>", "\n", null),
  /** Qwen 2. */
  QWEN2("<|im_start|>%s\n", "<|im_end|>", "\n", "You are a helpful assistant."),
  /** Qwen 2.5, whose default system turn differs. */
  QWEN2_5(
      "<|im_start|>%s\n",
      "<|im_end|>", "\n", "You are Qwen, created by Alibaba Cloud. You are a helpful assistant."),
  /** Vicuna 1.1 to 1.5 and LLaVA 1.5. */
  VICUNA(
      "",
      "</s>",
      "",
      "A chat between a curious user and an artificial intelligence assistant. The assistant gives"
          + " helpful, detailed, and polite answers to the user's questions.") {
    @Override
    void write(StringBuilder text, Turn turn, boolean first) {
      switch (turn.role()) {
        case SYSTEM -> text.append(turn.text()).append(' ');
        case USER -> text.append("USER: ").append(turn.text()).append(' ');
        case ASSISTANT -> text.append("ASSISTANT: ").append(turn.text()).append("</s>");
      }
    }

    @Override
    void open(StringBuilder text) {
      text.append("ASSISTANT:");
    }
  },
  /** LLaMA 2 chat. */
  LLAMA2("", "</s>", "", null) {
    @Override
    void write(StringBuilder text, Turn turn, boolean first) {
      String words = turn.text().strip();
      switch (turn.role()) {
        case SYSTEM -> text.append("[INST] <<SYS>>\n").append(words).append("\n<</SYS>>\n\n");
        case USER -> text.append(first ? "[INST] " : "").append(words).append(" [/INST]");
        case ASSISTANT -> text.append(' ').append(words).append(" </s><s>");
      }
    }

    @Override
    void open(StringBuilder text) {
      // the answer follows [/INST]
    }
  },
  /** Mistral 7B instruct 0.1 and 0.2, Mixtral 8x7B: the system turn opens the first question. */
  MISTRAL("", "</s>", "", null) {
    @Override
    void write(StringBuilder text, Turn turn, boolean first) {
      boolean user = turn.role() == Role.USER;
      text.append(user ? "[INST] " : "").append(turn.text()).append(user ? " [/INST]" : "</s>");
    }

    @Override
    void open(StringBuilder text) {
      // the answer follows [/INST]
    }

    @Override
    List<Turn> placed(List<Turn> turns) {
      return withSystemIn(turns, 0);
    }
  },
  /** Mistral 7B instruct 0.3 and its kin: the system turn opens the last question. */
  MISTRAL_V3("", "</s>", "", null) {
    @Override
    void write(StringBuilder text, Turn turn, boolean first) {
      boolean user = turn.role() == Role.USER;
      text.append(user ? "[INST] " : " ").append(user ? turn.text() : turn.text().strip());
      text.append(user ? "[/INST]" : "</s>");
    }

    @Override
    void open(StringBuilder text) {
      // the answer follows [/INST]
    }

    @Override
    List<Turn> placed(List<Turn> turns) {
      return withSystemIn(turns, turns.size() - 2);
    }
  },
  /** LLaMA 3; the later 3.x put a date into the system turn, which must be given in full. */
  LLAMA3("<|start_header_id|>%s<|end_header_id|>\n\n", "<|eot_id|>", "", null) {
    @Override
    void write(StringBuilder text, Turn turn, boolean first) {
      super.write(text, new Turn(turn.role(), turn.text().strip()), first);
    }
  };

  private final String header;
  private final String end;
  private final String afterEnd;
  private final String system;

  /**
   * A format whose turns are a header, a text and an end.
   *
   * @param header with the place of the role
   * @param end token that ends a turn
   * @param afterEnd what follows it
   * @param system the system turn where the conversation has none; null for none
   */
  ChatFormat(String header, String end, String afterEnd, String system) {
    this.header = header;
    this.end = end;
    this.afterEnd = afterEnd;
    this.system = system;
  }

  /**
   * One turn.
   *
   * @param first whether no system turn stands right before it
   */
  void write(StringBuilder text, Turn turn, boolean first) {
    text.append(header(turn.role())).append(turn.text()).append(end).append(afterEnd);
  }

  /** What the assistant's answer follows. */
  void open(StringBuilder text) {
    text.append(header(Role.ASSISTANT));
  }

  /** The turns as the format knows them: one without a place for the system puts it elsewhere. */
  List<Turn> placed(List<Turn> turns) {
    return turns;
  }

  /** The turns after a system turn, with its text before that of turn {@code place} of them. */
  private static List<Turn> withSystemIn(List<Turn> turns, int place) {
    if (turns.get(0).role() != Role.SYSTEM) {
      return turns;
    }
    List<Turn> rest = new ArrayList<>(turns.subList(1, turns.size()));
    Turn question = rest.get(place);
    rest.set(place, new Turn(question.role(), turns.get(0).text() + "\n\n" + question.text()));
    return rest;
  }

  private String header(Role role) {
    return header.replace("%s", role.name().toLowerCase(Locale.ROOT));
  }

  @Override
  public String prompt(List<Turn> turns) {
    Check.that(!turns.isEmpty(), "a conversation needs at least one turn");
    boolean given = turns.get(0).role() == Role.SYSTEM;
    for (int i = 0; i < turns.size(); i++) {
      boolean user = (i - (given ? 1 : 0)) % 2 == 0;
      Role expected = given && i == 0 ? Role.SYSTEM : user ? Role.USER : Role.ASSISTANT;
      Check.that(
          turns.get(i).role() == expected,
          "turn %d of the conversation must be of %s, got %s",
          i,
          expected,
          turns.get(i).role());
    }
    Check.that(turns.get(turns.size() - 1).role() == Role.USER, "the user must have the last turn");
    StringBuilder text = new StringBuilder();
    if (!given && system != null) {
      write(text, new Turn(Role.SYSTEM, system), true);
    }
    List<Turn> placed = placed(turns);
    boolean opened = placed.get(0).role() == Role.SYSTEM;
    for (int i = 0; i < placed.size(); i++) {
      write(text, placed.get(i), !(opened && i == 1));
    }
    open(text);
    return text.toString();
  }

  @Override
  public List<String> ends() {
    return List.of(end);
  }

  /** The name on the command line. */
  public String shortName() {
    return name().toLowerCase(Locale.ROOT).replace('_', '.');
  }

  /**
   * The format of a short name.
   *
   * @throws InputException when there is none
   */
  public static ChatFormat named(String name) {
    return Arrays.stream(values())
        .filter(format -> format.shortName().equals(name.toLowerCase(Locale.ROOT)))
        .findFirst()
        .orElseThrow(() -> InputException.of("chat formats are %s, not %s", names(), name));
  }

  private static String names() {
    return Arrays.stream(values()).map(ChatFormat::shortName).collect(Collectors.joining(", "));
  }

  /**
   * The format of a model folder: told by marks in the folder's own template, which is not run, or
   * by the model type where there is no template.
   *
   * @param modelType {@code model_type} of the configuration
   * @throws InputException when it cannot be told
   */
  public static ChatFormat of(Path folder, String modelType) {
    String template = template(folder);
    boolean llama = modelType.equals("llama");
    if (template.contains("<|im_start|>") && modelType.equals("qwen2")) {
      return template.contains(QWEN2_5.system) ? QWEN2_5 : QWEN2;
    }
    if (template.contains("<|user|>") && template.contains("<|end|>")) {
      return PHI3;
    }
    // from 3.1 on the template writes a date, which only running it could give
    if (template.contains("<|start_header_id|>") && !template.contains("Cutting Knowledge Date")) {
      return LLAMA3;
    }
    if (template.contains("[INST]") && llama) {
      return LLAMA2;
    }
    if (template.contains("[INST] ") && modelType.equals("mistral")) {
      return template.contains(" [/INST]") ? MISTRAL : MISTRAL_V3;
    }
    if (template.contains("USER:") && llama) {
      return VICUNA;
    }
    if (template.isEmpty() && modelType.equals("phi3")) {
      return PHI3;
    }
    if (template.isEmpty() && modelType.equals("qwen2")) {
      return QWEN2;
    }
    throw InputException.of(
        "%s: the chat format cannot be told from %s; name one of %s",
        folder,
        template.isEmpty() ? "model_type " + Texts.line(modelType) : "its template",
        names());
  }

  /** The template of a folder as text; empty when there is none. */
  private static String template(Path folder) {
    Path jinja = folder.resolve("chat_template.jinja");
    if (Files.exists(jinja)) {
      try {
        return Files.readString(jinja);
      } catch (IOException e) {
        throw new InputException(
            String.format("%s: cannot be read (%s)", jinja, AtomicFiles.reason(e)), e);
      }
    }
    Path config = folder.resolve("tokenizer_config.json");
    if (!Files.exists(config)) {
      return "";
    }
    JsonNode template = Jsons.readObject(config).path("chat_template");
    for (JsonNode named : template.isArray() ? template : List.<JsonNode>of()) {
      if (named.path("name").asText().equals("default")) {
        return named.path("template").asText();
      }
    }
    return template.isTextual() ? template.textValue() : "";
  }
}

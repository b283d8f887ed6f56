package io.lapidary.io;

import io.lapidary.Check;
import java.util.List;

/**
 * Writes a conversation as the text that a model was trained on. Templates are written by hand
 * here: those in model folders are programs, which are never run.
 */
public interface ChatTemplate {

  /** Who speaks. */
  enum Role {
    SYSTEM,
    USER,
    ASSISTANT
  }

  /** One turn of a conversation. */
  record Turn(Role role, String text) {
    /** Checks the fields. */
    public Turn {
      Check.present("role", role);
      Check.present("text", text);
    }
  }

  /**
   * The conversation up to where the assistant speaks next, without the token that begins a text:
   * {@link Tokenizer#encode(String)} adds it where the model wants it.
   *
   * @param turns at most one of the system, first; then user and assistant by turns, the user last
   */
  String prompt(List<Turn> turns);

  /** Tokens that end an answer. */
  List<String> ends();

  /** The prompt of one question. */
  default String prompt(String question) {
    return prompt(List.of(new Turn(Role.USER, question)));
  }
}

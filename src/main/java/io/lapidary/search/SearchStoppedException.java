package io.lapidary.search;

import io.lapidary.InputException;

/** A trial ended in a way that ends the search: it is not recorded and no further one begins. */
public final class SearchStoppedException extends InputException {
  private static final long serialVersionUID = 1;

  /** With a message for the user. */
  public SearchStoppedException(String message) {
    super(message);
  }
}

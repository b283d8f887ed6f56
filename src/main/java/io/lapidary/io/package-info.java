/**
 * Files from and for the outside world: safetensors, Hugging Face checkpoint folders, strict
 * configuration files and tokenizers. Whatever is wrong with a file is one {@link
 * io.lapidary.InputException} of one line.
 */
package io.lapidary.io;

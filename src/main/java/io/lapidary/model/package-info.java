/**
 * One readable class per architecture, over shared layers. A configuration mirrors the published
 * {@code config.json}; parameter names and layouts are those of the published checkpoints.
 */
package io.lapidary.model;

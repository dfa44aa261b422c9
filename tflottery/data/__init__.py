"""Labelled texts: sources, normalisation and vocabulary, encoded data, batches."""

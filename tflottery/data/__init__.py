"""Labelled texts: sources, a look at them, normalisation and vocabulary, encoded data, batches."""

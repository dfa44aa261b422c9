"""The experiments: a study, a transfer, a search for learning rates; a room for each."""

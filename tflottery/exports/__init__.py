"""Export: SavedModels for TensorFlow Serving, how they are checked, asked and measured."""

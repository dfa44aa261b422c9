"""Exports: SavedModels for TensorFlow Serving; how they are written, checked, asked, measured."""

"""Reading labelled texts: files, folders, tables, TFDS, memory; what is refused, by line."""

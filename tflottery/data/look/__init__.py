"""A look at the data before the work: what to mind in what was counted, and how it is shown."""

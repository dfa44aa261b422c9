"""A look at the data before the work: what they hold, what to mind, how it is shown."""

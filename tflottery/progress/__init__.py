"""What a call says while it works: bars on a terminal, a text that changes in a notebook, lines in
logs and pipes."""

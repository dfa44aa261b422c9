"""The study: methods, initialisations and sparsities over seeds, and what held of the claims."""

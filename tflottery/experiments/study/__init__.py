"""The study: methods, initialisations and sparsities compared over seeds; what held of the claims."""

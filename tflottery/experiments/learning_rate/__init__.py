"""Learning rates: which one is best for dense and for tickets, searched with keras-tuner."""

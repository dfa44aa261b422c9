"""What tflottery costs and what it saves, measured; ``make bench`` runs it."""

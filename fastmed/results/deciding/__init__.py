"""What is decided by probabilities: thresholds, sets of classes, and what is left to a reader."""

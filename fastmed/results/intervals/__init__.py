"""95% intervals: Wilson's of proportions, DeLong's of AUROC, and resampled patients."""

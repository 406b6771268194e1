"""Probabilities that keep what they promise: fitted on the validation part, kept in the run."""

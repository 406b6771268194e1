"""The fit: losses, optimizers, learning rates, and what happens around epochs and batches."""

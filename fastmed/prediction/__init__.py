"""Predicting: images through the network's views to the predictions table, or to a file."""

"""Measuring how quickly a machine trains and predicts a task, and what limits it."""

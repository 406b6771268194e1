"""Searches: many trainings of one task with other settings, to find the best."""

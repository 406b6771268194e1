"""Reporting: a run explained to a reader, as one page, a model card, and a file for machines."""

"""Runs compared on the same images: paired differences with intervals."""

from fastmed.results.comparison.comparing import Comparison, compare

__all__ = ["Comparison", "compare"]

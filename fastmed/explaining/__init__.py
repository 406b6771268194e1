"""Explaining: heat maps of what a run's network used, image by image, and checks of them."""

from fastmed.explaining.atlas import Atlas, draw_heatmaps, read_checks, read_index
from fastmed.explaining.checks import Checks
from fastmed.explaining.embedding import draw_embedding
from fastmed.explaining.explanation import Explanation
from fastmed.explaining.one import explain

__all__ = [
    "Atlas",
    "Checks",
    "Explanation",
    "draw_embedding",
    "draw_heatmaps",
    "explain",
    "read_checks",
    "read_index",
]

"""Ensembles: several predictions of the same images made one."""

from fastmed.ensembles.story import Ensemble as Ensemble
from fastmed.ensembles.story import ensemble as ensemble

__all__ = ["Ensemble", "ensemble"]

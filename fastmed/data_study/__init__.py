"""The data study: what a data set looks like before anything is learnt from it."""

from fastmed.data_study.story import Study as Study
from fastmed.data_study.story import study as study

__all__ = ["Study", "study"]

"""A run: a folder with fixed file names that holds everything a training left behind."""

from fastmed.run.checks import SEARCH_FILE as SEARCH_FILE
from fastmed.run.folder import FAMILY_FILE as FAMILY_FILE
from fastmed.run.folder import Run as Run
from fastmed.run.folder import list_runs as list_runs
from fastmed.run.folder import run_of_weights as run_of_weights

__all__ = ["FAMILY_FILE", "SEARCH_FILE", "Run", "list_runs", "run_of_weights"]

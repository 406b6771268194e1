"""Every score of a predictions table with its interval, for tables, reports and figures."""

from fastmed.results.scores.names import HEADLINES, LABELS, PER_CLASS
from fastmed.results.scores.options import ScoreOptions, score_options
from fastmed.results.scores.sample import labelled
from fastmed.results.scores.scored import Scores, auroc, score
from fastmed.results.scores.tables import flat

__all__ = [
    "HEADLINES",
    "LABELS",
    "PER_CLASS",
    "ScoreOptions",
    "Scores",
    "auroc",
    "flat",
    "labelled",
    "score",
    "score_options",
]

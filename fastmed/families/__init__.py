"""Families: several trainings of one task side by side, each of them a run of its own."""

from fastmed.families.family import Family as Family
from fastmed.families.metadata import compare_meta as compare_meta
from fastmed.families.predictor import FamilyPredictor as FamilyPredictor
from fastmed.families.resume import resume_family as resume_family
from fastmed.families.together import evaluate_together as evaluate_together
from fastmed.families.together import predict_together as predict_together
from fastmed.families.variants import train_family as train_family

__all__ = [
    "Family",
    "compare_meta",
    "evaluate_together",
    "predict_together",
    "resume_family",
    "train_family",
]

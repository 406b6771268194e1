"""The checklists that there are, by the name that the user types."""

from fastmed.documents.checklists.claim import CLAIM
from fastmed.documents.checklists.item import Checklist
from fastmed.documents.checklists.stard_ai import STARD_AI
from fastmed.documents.checklists.tripod_ai import TRIPOD_AI

CHECKLISTS: dict[str, Checklist] = {one.name: one for one in (CLAIM, TRIPOD_AI, STARD_AI)}

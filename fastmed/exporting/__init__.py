"""A run as one file that predicts without fastmed."""

from fastmed.exporting.story import Exported as Exported
from fastmed.exporting.story import export as export
from fastmed.exporting.story import tell_of as tell_of

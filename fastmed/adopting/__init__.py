"""Networks that were trained elsewhere, as runs."""

from fastmed.adopting.story import Pixels as Pixels
from fastmed.adopting.story import adopt as adopt

"""A data set converted: plain pictures, with tables and the task that reads them again."""

from fastmed.conversion.pictures import Way as Way
from fastmed.conversion.story import Converted as Converted
from fastmed.conversion.story import convert as convert

__all__ = ["Converted", "Way", "convert"]

"""A run, or a family of runs, as one file to hand on, and opened again."""

from fastmed.sharing.packing import pack as pack
from fastmed.sharing.unpacking import unpack as unpack

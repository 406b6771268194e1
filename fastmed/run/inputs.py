"""The images that a run has predicted: its own, or those of another labelled set."""

import pandas as pd

from fastmed.data.inputs import read_input
from fastmed.data.pseudonyms import located
from fastmed.run.folder import Run


def predicted_items(run: Run, name: str) -> pd.DataFrame:
    """Return the items among which those of a part, or of another set, are.

    Raises:
        DataError: the other set is gone.
    """
    inputs = run.info.get("inputs", {})
    if name not in inputs:
        return located(run.items)
    return read_input(run.task, run.path / inputs[name], skip_bad=True)

"""The files of an ensemble: its predictions, and beside them how they were made."""

from pathlib import Path
from typing import Literal

import pandas as pd

from fastmed.ensembles.story import Ensemble
from fastmed.errors import DataError

Labels = Literal["number", "name"]


def check_ensemble_output(out: Path | None) -> None:
    """Refuse a file that can't be written, before any work is done.

    Raises:
        DataError: says which file could be.
    """
    if out is not None:
        from fastmed.prediction.formats import check_output

        check_output(out)


def shown_table(found: Ensemble, competition: Labels | None) -> pd.DataFrame:
    """Return the predictions, or the two columns that competitions want.

    Raises:
        DataError: names of images are hidden.
    """
    if competition is None:
        return found.table
    if found.task.pseudonymise:
        raise DataError("a competition wants the names of images, which these runs hide")
    from fastmed.prediction.tables import competition_table

    return competition_table(found.task, found.table, competition)


def write_ensemble(found: Ensemble, out: Path, competition: Labels | None = None) -> Path:
    """Write the predictions, and beside them how they were made; return where the second is.

    Raises:
        RunError: the disk is full, or the folder can't be written.
    """
    from fastmed.prediction.formats import write_predictions

    write_predictions(shown_table(found, competition), out)
    return found.save(out)

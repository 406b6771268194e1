"""Predictions of images made predictions of patients, labelled or not."""

import numpy as np
import pandas as pd

from fastmed.data.tables import group_keys
from fastmed.errors import DataError
from fastmed.prediction.tables import AT, with_bad_rows
from fastmed.results.calibration.probabilities import Calibration
from fastmed.results.scores.per_patient import mean_of_patients
from fastmed.task import Task

PER_PATIENT = (
    "operating points, sets and abstention are fitted on images, and can't be kept for the mean of "
    "a patient's images: leave them out, or take a row an image"
)


def check_patients(known: bool) -> None:
    """Refuse a row a patient where nothing is known about patients.

    Raises:
        DataError: it isn't.
    """
    if not known:
        raise DataError(
            "nothing is known about patients, so there is no row for each; the setting "
            "source.group says how they are told"
        )


def patients_table(
    table: pd.DataFrame, task: Task, calibration: Calibration | None = None
) -> pd.DataFrame:
    """Return a row a patient: the mean over all images of the patient that could be read.

    Scores, and for grades the value, are averaged; the calibration decides, as for an image.
    ``spread``, and what each view says, are averaged, too. ``target`` and ``split`` are those of
    the images, if all have the same. ``images`` says how many were averaged. An image without a
    patient is a patient of its own. A patient none of whose images could be read is a row with the
    ``reason`` of the first.

    Args:
        table: predictions of images.
        task: of the predictions.
        calibration: that gave the scores; grades need one.
    """
    reasons = table["reason"] if "reason" in table else pd.Series("", index=table.index)
    good = table[reasons == ""].reset_index(drop=True)
    found, places = mean_of_patients(good, task.classes, task.goal, calibration)
    found.insert(2, "target", _common(good["target"], places))
    of_images = [name for name in good.columns if name == "spread" or _is_of_view(name)]
    counts = np.bincount(places, minlength=len(found))
    for name in of_images:
        sums = np.bincount(places, good[name].to_numpy(dtype=float), minlength=len(found))
        found[name] = sums / counts
    found["images"], found["split"] = counts, _common(good["split"], places)
    return _with_unread(found, table[reasons != ""]) if "reason" in table else found


def _is_of_view(name: str) -> bool:
    return AT in name and name.startswith(("score_", f"value{AT}"))


def _common(texts: pd.Series, places: np.ndarray) -> list[str]:
    """Return for each patient the text that all of its images have, or nothing."""
    kinds = texts.groupby(places).agg(["nunique", "first"])
    return kinds["first"].where(kinds["nunique"] == 1, "").tolist()


def _with_unread(found: pd.DataFrame, bad: pd.DataFrame) -> pd.DataFrame:
    """Return patients with those none of whose images could be read."""
    keys = pd.Series(group_keys(bad), index=bad.index, dtype=str)
    unread = bad[~keys.isin(group_keys(found)) & ~keys.duplicated()].copy()
    unread["item"] = unread["group"].where(unread["group"] != "", unread["item"])
    unread = unread[["item", "group", "target", "split", "reason"]]
    unread = unread.set_axis(pd.RangeIndex(len(found), len(found) + len(unread)))
    whole = with_bad_rows(found, unread, np.arange(len(found)))
    whole["images"] = whole["images"].fillna(0).astype("int64")
    return whole

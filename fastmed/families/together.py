"""The members of a family as one: their predictions are averaged."""

from pathlib import Path
from typing import Any

import pandas as pd

from fastmed.data.folds import KEPT
from fastmed.data.inputs import read_input
from fastmed.data.lock import unseen, used_for_test
from fastmed.data.pseudonyms import located
from fastmed.data.tables import write_table
from fastmed.errors import DataError, RunError
from fastmed.families.family import Family
from fastmed.families.predictor import FamilyPredictor
from fastmed.files import read_info
from fastmed.prediction.manner import Manner
from fastmed.prediction.networks import readable
from fastmed.prediction.story import predicted
from fastmed.results.calibration.pooling import pool_of
from fastmed.results.scores import Scores
from fastmed.results.scores.asked import Asked, asked_scores, check_asked
from fastmed.results.scores.files import write_scores


def predict_together(
    family: Family | str | Path,
    source: str | Path | pd.DataFrame,
    *,
    per_patient: bool = False,
    workers: int | None = None,
    skip_bad: bool = False,
    cache: bool = True,
    **options: Any,
) -> pd.DataFrame:
    """Return the predictions table of any images by all finished runs of a family together.

    The outputs of their networks are averaged: probabilities, or values of grades. What is fitted
    on outputs is fitted on the averaged ones, as `pool_of` says.

    Args:
        family: a family or its folder.
        source: an image, a folder, a CSV, an NPZ file, or an items table.
        per_patient: a row a patient, of the mean over all of the patient's images.
        workers: processes that read images; None takes one a core.
        skip_bad: leave out images that can't be read, instead of refusing.
        cache: keep the decoded images on disk, so that none is decoded again.
        options: others of `predict`: from ``views`` to ``device``, from ``calibrate`` to
            ``abstain``.

    Raises:
        RunError: no run of the family is finished, or they have no validation part in common to
            fit a rule on.
    """
    found = family if isinstance(family, Family) else Family.open(family)
    return predicted(
        FamilyPredictor(found, Manner(**options)),
        source,
        per_patient=per_patient,
        workers=workers,
        skip_bad=skip_bad,
        cache=cache,
    )


def evaluate_together(
    family: Family | str | Path,
    source: str | Path | None = None,
    *,
    drop_seen: bool = False,
    asked: Asked | None = None,
    **options: Any,
) -> tuple[pd.DataFrame, Scores]:
    """Return predictions and scores of a family on its test part, or on another labelled set.

    With folds the test part is the one that was kept for all of them. Both are saved in the
    family's folder: the table in ``predictions/``, the scores in ``scores.json``.

    Args:
        family: a family or its folder.
        source: another labelled set; None takes the family's own test part.
        drop_seen: leave out images that shaped one of the runs, instead of refusing.
        asked: scores that are wanted beside: per patient, of subgroups, at a prevalence.
        options: those of `predict`.

    Raises:
        RunError: the family has no test part, or no finished run.
        DataError: the other set has no labels, or images that shaped one of the runs.
    """
    family = family if isinstance(family, Family) else Family.open(family)
    items, name = _labelled(family, source, options.get("skip_bad", False))
    task = family.task
    check_asked(task, asked, items)
    items = readable(items, task, options.get("skip_bad", False), options.get("cache", True))
    for run in family.finished.values():
        items = unseen(run.lock, items, str(source or "the test part"), drop_seen, run.path.name)
    uses = used_for_test(items, family.path.name)
    table = predict_together(family, items, **options)
    calibration = pool_of(task, list(family.finished.values())).of_patients
    found = asked_scores(task, table, asked, items, calibration)
    scores = {"runs": len(family.finished), "test_uses": uses, **found}
    file = family.path / "scores.json"
    known = read_info(file) if file.is_file() else {}
    write_table(table, family.path / "predictions" / f"{name}.csv")
    write_scores(family.path, {**known, name: scores})
    return table, scores


def _labelled(
    family: Family, source: str | Path | None, skip_bad: bool
) -> tuple[pd.DataFrame, str]:
    if source is not None:
        items = read_input(family.task, source, skip_bad)
        if not (items["target"] != "").any():
            raise DataError(f"no image in {source} has a label to score by; `fastmed predict` it")
        return items, Path(source).resolve().stem
    items = family.items
    test = items[items["split"] == "test"]
    if test.empty:
        raise RunError(
            f"{family.path} has no {KEPT if family.has_folds else 'test part'}; score another "
            f"labelled set with `fastmed evaluate {family.path} INPUT`"
        )
    return located(test), "test"

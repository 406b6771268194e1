"""The members of a family as one: their predictions are averaged."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from fastmed.console import note
from fastmed.data.folds import KEPT
from fastmed.data.inputs import read_input
from fastmed.data.pseudonyms import located
from fastmed.data.tables import write_table
from fastmed.errors import DataError, RunError
from fastmed.evaluation import Scores, unseen, used_for_test
from fastmed.familiarity.strangeness import tell_of_strange
from fastmed.families.family import Family
from fastmed.families.pooling import mean_outputs, outputs_as, pool_of, strange_to_most
from fastmed.files import read_info
from fastmed.prediction import outputs_of, readable, table_of
from fastmed.results.calibration.fitted import fitted_of
from fastmed.results.deciding.decisions import Wishes
from fastmed.results.scores.asked import Asked, asked_scores, check_asked
from fastmed.results.scores.files import write_scores
from fastmed.run import Run


def predict_together(
    family: Family | str | Path,
    source: str | Path | pd.DataFrame,
    *,
    calibrate: bool = True,
    prevalence: str | Mapping[str, float] | None = None,
    operating_point: str | None = None,
    sets: float | None = None,
    abstain: str | float | None = None,
    **options: Any,
) -> pd.DataFrame:
    """Return the predictions table of any images by all finished runs of a family together.

    The outputs of their networks are averaged: probabilities, or values of grades. What is fitted
    on outputs is fitted on the averaged ones, as `pool_of` says.

    Args:
        family: a family or its folder.
        source: an image, a folder, a CSV, an NPZ file, or an items table.
        calibrate: as of `predict`.
        prevalence: as of `predict`.
        operating_point: as of `predict`.
        sets: as of `predict`.
        abstain: as of `predict`.
        options: others of `predict`: views, device, workers, skip_bad, cache.

    Raises:
        RunError: no run of the family is finished, or they have no validation part in common to
            fit a rule on.
    """
    family = family if isinstance(family, Family) else Family.open(family)
    runs, task = _finished(family), family.task
    pool = pool_of(task, runs).adjusted(calibrate, prevalence)
    decisions = pool.decisions(Wishes(operating_point, sets, abstain))
    if not isinstance(source, pd.DataFrame):
        source = read_input(runs[0].task, source, options.get("skip_bad", False))
    found = [outputs_of(run, source, **options) for run in runs]
    outputs = [
        outputs_as(task, of, fitted_of(run)) for run, (_, of, _) in zip(runs, found, strict=True)
    ]
    strange = strange_to_most([one[2] for one in found])
    tell_of_strange(strange)
    mean = mean_outputs(outputs)
    scores, decided = pool.probabilities(outputs), pool.calibration.decisions(mean)
    table = decisions.applied(table_of(task, found[0][0], mean, scores, decided))
    return pd.concat([table, strange], axis=1)


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
        items = unseen(run, items, str(source or "the test part"), drop_seen)
    uses = used_for_test(items, family.path.name)
    table = predict_together(family, items, **options)
    found = asked_scores(task, table, asked, items, _cut_points(family))
    scores = {"runs": len(family.finished), "test_uses": uses, **found}
    file = family.path / "scores.json"
    known = read_info(file) if file.is_file() else {}
    write_table(table, family.path / "predictions" / f"{name}.csv")
    write_scores(family.path, {**known, name: scores})
    return table, scores


def _cut_points(family: Family) -> list[float] | None:
    """Return where the mean value of all runs turns into the next grade; None for categories."""
    if family.task.goal == "category":
        return None
    points = pool_of(family.task, list(family.finished.values())).calibration.cut_points
    return None if points is None else [float(point) for point in points]


def _finished(family: Family) -> Sequence[Run]:
    runs = list(family.finished.values())
    if not runs:
        raise RunError(f"no run of {family.path} is finished; `fastmed resume {family.path}`")
    missing = len(family.plan) - len(runs)
    note(f"The mean of {len(runs)} runs" + (f"; {missing} are not finished" if missing else ""))
    return runs


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

"""Scoring a run: its validation part, its test part, or another labelled set."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from fastai.learner import Learner

from fastmed.data.inputs import read_input
from fastmed.data.lock import unseen, used_for_test
from fastmed.data.pseudonyms import located
from fastmed.data.tables import grades_of, group_keys, part, scores_of, write_table
from fastmed.errors import DataError, RunError
from fastmed.familiarity.likeness import Likeness, Sight
from fastmed.familiarity.watch import Watch
from fastmed.files import read_info
from fastmed.learn.restore import statistics_of
from fastmed.prediction.networks import network_outputs, readable
from fastmed.prediction.story import predict
from fastmed.prediction.tables import table_of
from fastmed.results.calibration.fitted import (
    Validation,
    calibration_of,
    check_uncalibrated,
    keep_fitted,
    shares_of,
)
from fastmed.results.calibration.probabilities import (
    Shares,
    cross_fitted,
    fit_calibration,
    uncalibrated,
)
from fastmed.results.deciding.abstention import abstention_scores
from fastmed.results.deciding.decisions import certainty_of, default_points, kept_points
from fastmed.results.deciding.operating_points import is_positive, judge_point, score_of
from fastmed.results.scores.asked import Asked, asked_scores, check_asked
from fastmed.results.scores.files import write_scores
from fastmed.run import Run
from fastmed.run.places import relative_path
from fastmed.settings.sources import PARTS
from fastmed.task import Task

Scores = dict[str, Any]
LOOKED_AT = 500  # training images that others are compared with


def evaluate(
    run: Run | str | Path,
    source: str | Path | None = None,
    *,
    split: str = "test",
    views: Sequence[str] | None = None,
    device: str | None = None,
    workers: int | None = None,
    skip_bad: bool = False,
    cache: bool = True,
    drop_seen: bool = False,
    calibrate: bool = True,
    asked: Asked | None = None,
) -> tuple[pd.DataFrame, Scores]:
    """Return predictions and scores of a part of the run's data, or of another labelled set.

    Both are saved in the run: the table in ``predictions/``, the scores in ``scores.json``.

    Args:
        run: a run or its folder.
        source: another labelled set (folder, CSV, NPZ); None takes the run's own data.
        split: ``valid`` or ``test``, of the run's own data.
        views: fixed views that are averaged; None takes the task's.
        device: ``cpu``, ``cuda``, ...; None takes the best.
        workers: loader processes; None chooses.
        skip_bad: leave out images that can't be read, instead of refusing.
        cache: keep the decoded images on disk, so that none is decoded again.
        drop_seen: leave out images that shaped the run, instead of refusing.
        calibrate: False leaves the probabilities as the network gives them.
        asked: scores that are wanted beside: per patient, of subgroups, at a prevalence.

    Raises:
        RunError: the run has no such part, or no weights.
        DataError: the data is gone, the other set has no labels, or it holds images that trained
            the run or chose its epoch.
    """
    run = run if isinstance(run, Run) else Run.open(run)
    if source is None and split == "valid":
        check_asked(run.task, asked, run.items)
        finish(run, run.restore(device), views, workers, cache, calibrate)
        table = run.predictions("valid")
        return table, keep(run, "valid", table, views, asked, run.items, calibrated=calibrate)
    if source is None:
        items = unseen(run.lock, own_part(run, split), f"the {split} part", drop_seen)
    else:
        items = _labelled_input(run, source, skip_bad)
        items = unseen(run.lock, readable(items, run.task, skip_bad, cache), str(source), drop_seen)
    check_asked(run.task, asked, items)
    table = predict(
        run,
        items,
        views=views,
        device=device,
        workers=workers,
        skip_bad=skip_bad,
        cache=cache,
        calibrate=calibrate,
    )
    facts = {"calibrated": calibrate, "test_uses": used_for_test(items, run.path.name)}
    if source is None:
        return table, keep(run, split, table, views, asked, items, **facts)
    name = _name_of(Path(source).resolve())
    scores = keep(run, name, table, views, asked, items, **facts)
    run.update(inputs={**run.info.get("inputs", {}), name: relative_path(source, run.path)})
    return table, scores


def finish(  # noqa: PLR0917
    run: Run,
    learn: Learner,
    views: Sequence[str] | None = None,
    workers: int | None = None,
    cache: bool = True,
    calibrate: bool = True,
) -> None:
    """Predict and score the validation part, and fit on it what other predictions need.

    The stored calibration, cut points and operating points use all of the validation part, seen
    through the task's own views. Its own predictions use what was fitted without the image's
    patient, so that its scores stay honest.
    """
    task, items = run.task, own_part(run, "valid")
    if not calibrate:
        check_uncalibrated(task)
    watch, chosen = Watch(statistics_of(run)), list(views or task.predict.views)
    outputs = network_outputs(
        learn, task, items, statistics_of(run),
        views=chosen, workers=workers, cache=cache, watch=watch,
    )  # fmt: skip
    true, shares = grades_of(items["target"], task.classes), shares_of(run)
    if calibrate and chosen == list(task.predict.views):
        _fit(run, Validation.of(task, items, outputs), shares)
        _keep_likeness(run, learn, watch.sight(items), chosen, workers, cache)
    fit = fit_calibration if calibrate else uncalibrated
    scores, decided = cross_fitted(task, outputs, true, group_keys(items), shares, fit=fit)
    table = table_of(task, items, outputs, scores, decided)
    keep(run, "valid", table, views, calibrated=calibrate)


def _fit(run: Run, validation: Validation, shares: Shares) -> None:
    """Keep what the validation part says: calibration, cut points, operating points."""
    fitted = fit_calibration(run.task, validation.outputs, validation.true, shares)
    points = [point.as_info() for point in default_points(validation, fitted)]
    keep_fitted(run, validation, fitted, operating_points=points)


def _keep_likeness(  # noqa: PLR0917
    run: Run,
    learn: Learner,
    valid: Sight,
    views: Sequence[str],
    workers: int | None,
    cache: bool,
) -> None:
    """Keep what the training images are like; how far is too far, say the validation images."""
    if part(run.items, "train").empty:  # of an adopted network
        return
    items = _some(own_part(run, "train"), run.task.train.seed)
    watch = Watch(statistics_of(run))
    network_outputs(
        learn, run.task, items, statistics_of(run),
        views=views[:1], workers=workers, cache=cache, watch=watch,
    )  # fmt: skip
    likeness = Likeness.fit(watch.sight(items), valid)
    run.update(likeness=likeness.save(run.results))


def _some(items: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Return at most `LOOKED_AT` items, drawn by the seed, in their order."""
    if len(items) <= LOOKED_AT:
        return items
    chosen = items.sample(LOOKED_AT, random_state=seed).sort_index()
    chosen.attrs = items.attrs
    return chosen


def own_part(run: Run, split: str) -> pd.DataFrame:
    """Return the items of one part of the run's own data.

    Raises:
        RunError: the part is empty. DataError: the data folder is gone.
    """
    items = part(run.items, split)
    if items.empty:
        raise RunError(
            f"{run.path} has no {split} part; score another labelled set with "
            f"`fastmed evaluate {run.path} INPUT`"
        )
    if not run.data.is_dir():
        raise DataError(
            f"the data folder {run.data} of {run.path} is gone; put it back, or score another "
            f"labelled set with `fastmed evaluate {run.path} INPUT`"
        )
    return located(items)


def _labelled_input(run: Run, source: str | Path, skip_bad: bool) -> pd.DataFrame:
    items = read_input(run.task, source, skip_bad)
    if not (items["target"] != "").any():
        raise DataError(f"no image in {source} has a label to score by; `fastmed predict` it")
    return items


def _name_of(source: Path) -> str:
    """Return the name under which another set is kept; never that of one of the run's parts."""
    name = source.stem if source.is_file() else source.name
    return f"{name}_input" if name in PARTS else name


def keep(  # noqa: PLR0917
    run: Run,
    name: str,
    table: pd.DataFrame,
    views: Sequence[str] | None,
    asked: Asked | None = None,
    items: pd.DataFrame | None = None,
    **facts: Any,
) -> Scores:
    """Score a predictions table and save both in the run, with what else is known of the look."""
    task = run.task
    patients = asked is not None and asked.per_patient is not None
    calibration = calibration_of(run, facts.get("calibrated", True)) if patients else None
    found = asked_scores(task, table, asked, items, calibration)
    scores = {"views": list(views or task.predict.views), **facts, **found}
    scores["abstention"] = _abstention(table, task)
    if name != "valid" and facts.get("calibrated", True):
        scores["operating_points"] = _points(run, table)
    write_table(table, run.predictions_file(name))
    write_scores(run.results, {**saved_scores(run), name: scores})
    return scores


def _abstention(table: pd.DataFrame, task: Task) -> Scores:
    table = table[table["target"] != ""]
    decided = grades_of(table["predicted"], task.classes)
    wrong = decided != grades_of(table["target"], task.classes)
    return abstention_scores(certainty_of(scores_of(table, task.classes), decided, task), wrong)


def _points(run: Run, table: pd.DataFrame) -> list[Scores]:
    """Return what the thresholds that the training kept find among labelled images."""
    task, table = run.task, table[table["target"] != ""]
    scores, true = scores_of(table, task.classes), grades_of(table["target"], task.classes)
    return [
        judge_point(
            point, score_of(scores, point.rule, task), is_positive(true, point.rule, task)
        ).as_info()
        for point in kept_points(run)
    ]


def saved_scores(run: Run) -> dict[str, Scores]:
    """Return the run's scores by part or input."""
    file = run.results / "scores.json"
    return read_info(file) if file.is_file() else {}

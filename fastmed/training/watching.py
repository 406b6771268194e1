"""Tracking a run from its beginning, or from where it goes on, to its scores and figures."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fastmed.console import clear_sentence, note, warn
from fastmed.errors import FastmedError
from fastmed.evaluation import saved_scores
from fastmed.results.figures import predictions as figures
from fastmed.run import Run
from fastmed.tracking.messenger import Messenger
from fastmed.tracking.tracker import About
from fastmed.tracking.trackers import check_trackers

LOGS = "tracking"


@contextmanager
def tracked(run: Run) -> Iterator[list[Messenger]]:
    """Have the trackers that the run names at work meanwhile, and tell them how it ended.

    After the work within, they get the curves, the confusion matrix and the scores of the
    validation part. No image of a patient and no name of a file is passed on.
    """
    names = check_trackers(run.info.get("track", []))
    messengers = [_messenger(name, run) for name in names]
    if messengers:
        note(f"Tracked by {', '.join(one.label for one in messengers)}")
    try:
        yield messengers
        if messengers:
            _show_results(run, messengers)
    except BaseException as error:
        stopped = isinstance(error, KeyboardInterrupt)
        _end(messengers, "interrupted" if stopped else "failed", {})
        raise
    _end(messengers, "done", _final_scores(run) if messengers else {})


def _messenger(name: str, run: Run) -> Messenger:
    about = About(
        folder=run.path,
        name=run.path.name,
        task=run.task_name,
        key=_key(run),
        settings=run.task.model_dump(mode="json"),
    )
    return Messenger(name, about, run.path / LOGS / f"{name}.log")


def _key(run: Run) -> str:
    """Return what tells this run from any other, also after it was moved or resumed."""
    told = f"{run.info.get('created')} {run.path.name}"
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def _show_results(run: Run, messengers: list[Messenger]) -> None:
    try:
        files = _draw(run)
    except (FastmedError, OSError) as error:
        warn(f"No figures for the trackers: {clear_sentence(error)}")
        return
    last = len(run.history)
    for one in messengers:
        for name, file in files.items():
            one.figure(name, file, last)


def _draw(run: Run) -> dict[str, Path]:
    """Draw what the trackers show, under the names that `fastmed interpret` gives it."""
    drawn = {
        "curves": figures.history_figure(run.history, run.info.get("best_epoch")),
        "confusion_matrix": figures.confusion_figure(saved_scores(run)["valid"]),
    }
    files = {name: run.figures / f"valid_{name}.png" for name in drawn}
    for name, figure in drawn.items():
        figures.save(figure, files[name])
    return files


def _final_scores(run: Run) -> dict[str, float]:
    overall = saved_scores(run)["valid"]["overall"]
    found = {f"final/{name}": value for name, value in overall.items()}
    kept = {"final/best_epoch": run.info.get("best_epoch")}
    return {name: value for name, value in {**found, **kept}.items() if _is_number(value)}


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _end(messengers: list[Messenger], status: str, scores: dict[str, float]) -> None:
    for one in messengers:
        one.end(status, scores)
    for one in messengers:
        one.wait()

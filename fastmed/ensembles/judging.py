"""An ensemble judged by labels: its scores, those of its members, and what it gains over each."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from fastmed.console import note, warn
from fastmed.data.lock import unseen, used_for_test
from fastmed.data.tables import score_columns
from fastmed.ensembles.alignment import Aligned
from fastmed.ensembles.members import Member
from fastmed.errors import DataError, listed
from fastmed.results.comparison.comparing import Difference, gains
from fastmed.results.scores import ScoreOptions, Scores, score_options
from fastmed.results.scores.sample import Sample, sample_of
from fastmed.results.scores.scored import score_sample
from fastmed.task import Task

# Scores that need probabilities, which a vote and a file of classes have not.
OF_PROBABILITIES = (
    "auroc", "average_precision", "log_loss", "brier", "ece", "rps", "calibration_slope",
    "calibration_intercept", "net_benefit", "net_benefit_all",
)  # fmt: skip


@dataclass(frozen=True)
class Judged:
    """What labels say of an ensemble.

    Attributes:
        scores: of the ensemble, as ``scores.json`` has those of a run.
        members: of each member, on those of the same images that it predicted.
        gains: the ensemble less each member, all scores.
        test_uses: how often these images have judged; None where it isn't known.
    """

    scores: Scores
    members: Mapping[str, Scores]
    gains: tuple[Difference, ...]
    test_uses: int | None


def judged(
    together: Aligned, table: pd.DataFrame, task: Task, hard: bool, uses: int | None
) -> Judged:
    """Return the scores of an ensemble and of its members on the labelled images.

    Args:
        together: the members.
        table: the predictions of the ensemble, in the order of their rows.
        task: of both.
        hard: the ensemble has no probabilities.
        uses: how often these images have judged.
    """
    options = score_options(task)
    samples = {one.name: _pair(one, table, task) for one in together.members}
    own = sample_of(_filled(table, task), task.classes, task.goal)
    same = {
        name: (own if ours.size == own.size else ours, theirs)
        for name, (ours, theirs) in samples.items()
    }
    bare = {one.name: one.probabilities is None for one in together.members}
    found = gains("ensemble", same, options)
    return Judged(
        scores_of_sample(own, options, hard),
        {name: scores_of_sample(of, options, bare[name]) for name, (_, of) in same.items()},
        tuple(
            one
            for one in found
            if one.address[-1] not in OF_PROBABILITIES or not (hard or bare[one.against])
        ),
        uses,
    )


def scores_of_sample(sample: Sample, options: ScoreOptions, hard: bool) -> Scores:
    """Return all scores, or those of decisions alone."""
    found = score_sample(sample, options)
    return _of_decisions(found) if hard else found


def _of_decisions(tree: Scores) -> Scores:
    return {
        name: _of_decisions(one) if isinstance(one, dict) else one
        for name, one in tree.items()
        if name not in OF_PROBABILITIES
    }


def _pair(member: Member, table: pd.DataFrame, task: Task) -> tuple[Sample, Sample]:
    """Return the ensemble's and a member's sample of the labelled images that both predicted."""
    known = table[(table["target"] != "") & table["item"].isin(member.table.index)]
    if known.empty:
        raise DataError(f"{member.name} predicted none of the labelled images")
    rows = member.table.loc[known["item"]].reset_index()
    rows = rows.assign(target=known["target"].to_numpy(), group=known["group"].to_numpy())
    return tuple(sample_of(_filled(one, task), task.classes, task.goal) for one in (known, rows))  # type: ignore[return-value]


def _filled(table: pd.DataFrame, task: Task) -> pd.DataFrame:
    """Return a table with scores; of classes alone 1 for the predicted one."""
    columns = score_columns(task.classes)
    if columns[0] in table:
        return table
    chosen = table["predicted"].to_numpy()[:, None] == np.array(task.classes)
    return table.assign(**dict(zip(columns, chosen.astype(float).T, strict=True)))


def known_images(together: Aligned, read: pd.DataFrame | None) -> pd.DataFrame:
    """Return what is known of the labelled images: ``item``, ``target``, ``group``, and hashes.

    ``content`` and ``decoded`` come from what was just read, or from the runs, which know their
    images; they are empty where neither knows one.

    Args:
        together: the members.
        read: the items that were predicted just now; None where predictions were read.

    Raises:
        DataError: two runs know different images by one name.
    """
    rows = together.rows[together.rows["target"] != ""]
    found = rows.assign(content="", decoded="", split="test")
    for name, items in _sources(together, read):
        own = items.drop_duplicates("item").set_index("item").reindex(rows["item"])
        for column in (one for one in ("content", "decoded") if one in own):
            hashes, known = own[column].fillna("").to_numpy(), found[column].to_numpy()
            if column == "content":
                _check_same(name, hashes, known, rows["item"])
            found[column] = np.where(known != "", known, hashes)
    return found


def _sources(together: Aligned, read: pd.DataFrame | None) -> Iterator[tuple[str, pd.DataFrame]]:
    if read is not None:
        yield "the input", read
        return
    for member in together.members:
        for run in member.runs[:1]:
            yield member.name, run.items


def _check_same(name: str, hashes: np.ndarray, known: np.ndarray, items: pd.Series) -> None:
    differ = (hashes != "") & (known != "") & (hashes != known)
    if differ.any():
        raise DataError(
            f"{differ.sum()} images of {name} are others than those of the members before with the "
            f"same names, as {listed(items[differ], 1)}; they can't be put together"
        )


def unseen_by_all(together: Aligned, images: pd.DataFrame, drop_seen: bool) -> Aligned:
    """Return the members without images that shaped one of them, or refuse them.

    An image shaped a run if it, or another of the same content, is in its training or validation
    part. Of files nothing is known.

    Args:
        together: the members.
        images: the labelled ones, as `known_images` returns them.
        drop_seen: leave them out, and say so.

    Raises:
        DataError: some, or with ``drop_seen`` all, trained a member or chose its epoch.
    """
    left = images.copy()
    for member in together.members:
        for run in member.runs:
            whom = member.name if len(member.runs) == 1 else f"{member.name} ({run.path.name})"
            left = unseen(run.lock, left, "the labelled part", drop_seen, whom)
        if member.told is not None:
            left = _not_told(left, member, drop_seen)
    gone = set(images["item"]) - set(left["item"])
    files = [one.name for one in together.members if one.kind == "file"]
    if files and any(one.runs for one in together.members):
        note(f"What trained {listed(files)} isn't known, and nothing of it is checked")
    if not gone:
        return together
    return together.kept(~together.rows["item"].isin(gone).to_numpy())


def _not_told(images: pd.DataFrame, member: Member, drop_seen: bool) -> pd.DataFrame:
    """Return the images that a file's predictions of a validation part don't hold."""
    told = images["item"].isin([] if member.told is None else member.told.index)
    count = int(told.sum())
    if count and (not drop_seen or count == len(images)):
        raise DataError(
            f"{count} of {len(images)} images to be judged by are in the validation part of "
            f"{member.name}, which the ensemble learns from; leave them out with --drop-seen"
        )
    if count:
        warn(f"{count} images of the validation part of {member.name} are left out")
    return images[~told]


def count_look(images: pd.DataFrame, name: str) -> int | None:
    """Count that the images judge an ensemble; None where their content isn't known."""
    known = (images["content"] != "").all()
    return used_for_test(images, name) if known else None

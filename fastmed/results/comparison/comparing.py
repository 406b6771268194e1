"""Paired differences between runs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from fastmed.files import write_json
from fastmed.results.comparison.sides import common_part, open_sides, samples_of
from fastmed.results.comparison.testing import bootstrap_p, holm, mcnemar
from fastmed.results.intervals.delong import paired_test
from fastmed.results.intervals.resampling import percentile
from fastmed.results.intervals.wilson import LEVEL
from fastmed.results.scores.limits import resampled
from fastmed.results.scores.measures import Found, Measures
from fastmed.results.scores.names import (
    HEADLINES,
    LESS_IS_BETTER,
    OF_CLASSES,
    OVERALL,
    Address,
    class_of,
    label,
)
from fastmed.results.scores.options import ScoreOptions, score_options
from fastmed.results.scores.sample import Sample
from fastmed.settings.scores import REFERABLE

COLUMNS = (
    "run", "against", "score", "class", "value", "other", "difference", "low", "high", "p", "test",
    "p_holm",
)  # fmt: skip


@dataclass(frozen=True)
class Difference:
    """How much a score of one run differs from another's.

    Attributes:
        run, against: their names; the difference is the first less the second.
        address: of the score.
        value, other: the score of each; None where it can't be estimated.
        difference: None where one of them can't be estimated.
        interval: from resampled patients, the same for both; None if no resample differs.
        p: of the ``test``: ``mcnemar``, ``delong`` or ``bootstrap``.
        p_holm: adjusted for the number of comparisons of this score; None for a single one.
    """

    run: str
    against: str
    address: Address
    value: float | None
    other: float | None
    difference: float | None
    interval: tuple[float | None, float | None] | None
    p: float | None
    test: str
    p_holm: float | None = None


@dataclass(frozen=True)
class Comparison:
    """Runs on the same images.

    Attributes:
        part: the part or set that was compared.
        names: of the runs.
        images, patients: how many were compared.
        differences: of each pair, all scores.
    """

    part: str
    names: tuple[str, ...]
    images: int
    patients: int
    differences: tuple[Difference, ...]

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The pairs, run and other, in their order."""
        return list(dict.fromkeys((one.run, one.against) for one in self.differences))

    def of(self, run: str, against: str) -> list[Difference]:
        """Return the headline differences of a pair: what tables and figures show."""
        return [
            one
            for one in self.differences
            if (one.run, one.against) == (run, against) and is_headline(one.address)
        ]

    def table(self) -> pd.DataFrame:
        """Return every difference, a row each, with the columns `COLUMNS`."""
        rows = [
            (
                *(one.run, one.against, one.address[-1], class_of(one.address)),
                *(one.value, one.other, one.difference, *(one.interval or (None, None))),
                *(one.p, one.test, one.p_holm),
            )
            for one in self.differences
        ]
        return pd.DataFrame(rows, columns=list(COLUMNS))

    def figure(self) -> Figure:
        """Return the headline differences with their intervals, a panel for each score."""
        from fastmed.results.comparison.figure import comparison_figure

        return comparison_figure(self)

    def as_info(self) -> dict[str, Any]:
        """Return everything, ready for JSON."""
        rows = self.table().astype(object)
        return {
            "part": self.part,
            "runs": list(self.names),
            "n": self.images,
            "patients": self.patients,
            "level": LEVEL,
            "differences": rows.where(rows.notna(), None).to_dict("records"),
        }

    def save(self, file: str | Path) -> None:
        """Write everything as JSON, as a whole."""
        write_json(Path(file), self.as_info())


@dataclass(frozen=True)
class _Scored:
    """A run's scores, and those of the resamples, which are the same for all runs."""

    name: str
    sample: Sample
    values: dict[Address, float]
    drawn: Found


def compare(
    runs: Sequence[str | Path], *, split: str | None = None, pairs: bool = False
) -> Comparison:
    """Return paired differences between runs that were evaluated on the same images.

    The intervals come from resampled patients: each resample scores all runs on the same
    patients, so what makes patients easy or hard falls out of the difference. With one image a
    patient McNemar's test goes with accuracy, and DeLong's with AUROC. No image is predicted.

    Args:
        runs: folders of runs, searches or families; one family stands for its runs.
        split: the part or set that all of them have predicted; None takes the test part, or of
            families the held-out folds.
        pairs: compare each with each, and not only each with the first.

    Raises:
        RunError: fewer than two runs, or one has no such predictions.
        DataError: they were scored on other images, labels or classes.
    """
    sides = open_sides(runs)
    part = common_part(sides, split)
    samples = samples_of(sides, part)
    options = score_options(sides[0].task)
    scored = [
        _scored(side.name, sample, options) for side, sample in zip(sides, samples, strict=True)
    ]
    chosen = combinations(scored, 2) if pairs else ((scored[0], one) for one in scored[1:])
    found = [one for first, second in chosen for one in _differences(first, second)]
    first = samples[0]
    return Comparison(
        part,
        tuple(side.name for side in sides),
        first.size,
        first.patient_count,
        tuple(_adjusted(found)),
    )


def gains(
    name: str, pairs: Mapping[str, tuple[Sample, Sample]], options: ScoreOptions
) -> list[Difference]:
    """Return how much one predictor differs from each of several others, all scores.

    Args:
        name: of the one.
        pairs: for each other by its name: the sample of the one and that of the other, of the
            same images in the same order.
        options: of the scores.
    """
    own: dict[int, _Scored] = {}
    found: list[Difference] = []
    for other, (one, against) in pairs.items():
        if id(one) not in own:
            own[id(one)] = _scored(name, one, options)
        found += _differences(_scored(other, against, options), own[id(one)])
    return list(_adjusted(found))


def _scored(name: str, sample: Sample, options: ScoreOptions) -> _Scored:
    measures = Measures(sample, options)
    values = {at: float(found[0]) for at, found in measures.once().items()}
    return _Scored(name, sample, values, resampled(measures))


def is_headline(address: Address) -> bool:
    """True for the scores that tables and figures show."""
    if address[0] == OVERALL:
        return address[-1] in HEADLINES
    return address[0] == REFERABLE and address[-1] in ("sensitivity", "specificity", "auroc")


def told(address: Address) -> str:
    """Return how a score is told in a comparison."""
    return f"referable or not, {label(address)}" if address[0] == REFERABLE else label(address)


def less_is_better(address: Address) -> bool:
    """True for a score of mistakes."""
    return address[-1] in LESS_IS_BETTER


def _differences(first: _Scored, second: _Scored) -> Iterator[Difference]:
    for address, other in first.values.items():
        value = second.values[address]
        if address[-1] in ("prevalence", "net_benefit_all"):
            continue
        if not np.isfinite([value, other]).all():
            own = [float(one) if np.isfinite(one) else None for one in (value, other)]
            names = second.name, first.name
            yield Difference(*names, address, own[0], own[1], None, None, None, "")
            continue
        with np.errstate(invalid="ignore"):
            apart = second.drawn[address] - first.drawn[address]
        limits = percentile(apart)
        p, test = _test(address, first.sample, second.sample) or (bootstrap_p(apart), "bootstrap")
        yield Difference(
            second.name, first.name, address, value, other, value - other, limits, p, test
        )


def _test(address: Address, first: Sample, second: Sample) -> tuple[float | None, str] | None:
    """Return p and name of the test that needs no resampling; None where there is none."""
    if not first.one_image_each:
        return None
    if address == (OVERALL, "accuracy"):
        right = (one.predicted == one.true for one in (first, second))
        return mcnemar(*right), "mcnemar"
    classes = first.classes
    if address[0] == OF_CLASSES and address[-1] == "auroc":
        place = classes.index(address[1])
    elif address == (OVERALL, "auroc") and len(classes) == 2:
        place = 1
    else:
        return None
    of = first.of_class(place)
    found = paired_test(of.positive, second.of_class(place).score, of.score)
    return (None if found is None or np.isnan(found.p) else found.p), "delong"


def _adjusted(found: Sequence[Difference]) -> Iterator[Difference]:
    """Yield the differences with p adjusted for the comparisons of each score."""
    groups: dict[Address, list[int]] = {}
    for place, one in enumerate(found):
        groups.setdefault(one.address, []).append(place)
    ps: dict[int, float | None] = {}
    for places in groups.values():
        if len(places) > 1:
            ps.update(zip(places, holm([found[place].p for place in places]), strict=True))
    for place, one in enumerate(found):
        values = {**vars(one), "p_holm": ps.get(place)}
        yield Difference(**values)

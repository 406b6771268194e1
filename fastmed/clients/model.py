"""The model behind a client report: what it is, what its numbers mean, how it was tested."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastmed.reporting.sections.verdict import RATES
from fastmed.reporting.story import Story, tell
from fastmed.results.calibration.fitted import calibration_of
from fastmed.results.calibration.probabilities import Calibration
from fastmed.results.deciding.decisions import Wishes, fit_decisions, kept_points
from fastmed.results.deciding.operating_points import OperatingPoint, class_of_interest
from fastmed.run import Run
from fastmed.task import Task


@dataclass(frozen=True)
class Model:
    """A run as it predicts with the options that were given.

    Attributes:
        run: that predicts.
        story: of its scores, as its report tells it.
        views: a prediction is the mean over them.
        average: what is averaged; None is the usual.
        calibrated: whether anything was fitted that makes the probabilities mean what they say.
        calibration: how outputs become probabilities.
        point: which images are flagged; None if it was not asked for.
        others: operating points of the class of interest that the run keeps.
        coverage: share of images whose set of classes is to hold the true one; None for no sets.
        abstain: what was asked for; None for nothing.
    """

    run: Run
    story: Story
    views: tuple[str, ...]
    average: str | None
    calibrated: bool
    calibration: Calibration
    point: OperatingPoint | None
    others: tuple[OperatingPoint, ...]
    coverage: float | None
    abstain: str | float | None

    @property
    def task(self) -> Task:
        """The task that was learnt."""
        return self.run.task

    @property
    def network(self) -> str:
        """The name of the network."""
        return str(self.story.card["network"]["name"])

    @property
    def weights_sha256(self) -> str | None:
        """The hash of the weights that predict."""
        found = self.story.card["network"]["weights_sha256"]
        return None if found is None else str(found)

    @property
    def trained(self) -> str | None:
        """When the run was made."""
        found = self.run.info.get("created")
        return None if found is None else str(found)

    @property
    def calibration_images(self) -> int | None:
        """How many validation images the probabilities were fitted on; None for none."""
        found = self.run.info.get("calibration", {}).get("n")
        return int(found) if found and self.calibrated else None


def model_of(
    run: Run,
    *,
    views: Sequence[str] | None = None,
    average: str | None = None,
    calibrate: bool = True,
    prevalence: str | Mapping[str, float] | None = None,
    operating_point: str | None = None,
    sets: float | None = None,
    abstain: str | float | None = None,
    **others: object,
) -> Model:
    """Return a run as it predicts with options of `predict`; others change nothing of this.

    Raises:
        DataError: a rule is not understood or can't be reached.
        RunError: the run has nothing to fit it on.
        TaskError: an option has no effect.
    """
    calibration = calibration_of(run, calibrate, prevalence)
    wishes = Wishes(operating_point, sets, abstain)
    own = calibrate and prevalence is None
    decisions = fit_decisions(wishes, run, calibration, own=own)
    named = class_of_interest(run.task)
    kept = [one for one in kept_points(run) if own and one.rule.positive == named]
    return Model(
        run=run,
        story=tell(run),
        views=tuple(views or run.task.predict.views),
        average=average or run.task.predict.average,
        calibrated=calibrate and _is_fitted(run),
        calibration=calibration,
        point=decisions.point,
        others=tuple(one for one in kept if one != decisions.point),
        coverage=sets,
        abstain=abstain,
    )


def _is_fitted(run: Run) -> bool:
    if run.task.goal == "grade" and not run.task.ordinal:
        return "scale" in run.info
    return "temperature" in run.info.get("calibration", {})


@dataclass(frozen=True)
class Tested:
    """How a model did on labelled images.

    Attributes:
        part: ``test``, ``valid`` or ``external-1``.
        optimistic: the part chose the model, so its scores are too good.
        images, patients: how many; no patients where they are not known.
        headlines: score -> value and interval; a limit may not be known.
        classes: class -> rate -> value and interval, for sensitivity, specificity and PPV.
    """

    part: str
    optimistic: bool
    images: int
    patients: int | None
    headlines: dict[str, tuple[float | None, Sequence[float | None] | None]]
    classes: dict[str, dict[str, tuple[float | None, Sequence[float | None] | None]]]


def tested_of(story: Story) -> Tested | None:
    """Return how a run did when it was tested; None if no part was ever evaluated."""
    if not story.scores:
        return None
    found: dict[str, int | None] = story.amounts
    names: list[str] = story.headlines
    return Tested(
        part=story.label,
        optimistic=story.optimistic,
        images=int(found["images"] or 0),
        patients=found["patients"],
        headlines={name: story.score(name) for name in ("accuracy", *names)},
        classes={
            name: {rate: story.class_score(name, rate) for rate in RATES}
            for name in story.scores["per_class"]
        },
    )


def point_info(point: OperatingPoint) -> dict[str, Any]:
    """Return an operating point for machines, with what it did on the validation part."""
    return {**point.as_info(), "part": "valid"}

"""The settings of scores: what a task counts as referable, costs, and chances elsewhere."""

from typing import Annotated

from pydantic import AfterValidator, Field

from fastmed.settings.part import Part

REFERABLE = "referable"  # the dichotomy of grades, where a class is named


def _inside(share: float) -> float:
    if not 0 < share < 1:
        raise ValueError(f"{share:g} is not above 0 and below 1")
    return share


Chance = Annotated[float, AfterValidator(_inside)]


class ScoreSettings(Part):
    """What scores need to know that no prediction tells.

    Attributes:
        referable: for grades: the lowest class that is referred, for scores of referable against
            non-referable; None leaves them out.
        prevalence: of a class where the network is to be used, for PPV and NPV there.
        threshold: of a class: from what chance on treating is worth it, for the net benefit.
        costs: of each true class (row) that is taken for each class (column).
    """

    referable: str | None = None
    prevalence: dict[str, Chance] = Field(default_factory=dict)
    threshold: dict[str, Chance] = Field(default_factory=dict)
    costs: tuple[tuple[float, ...], ...] | None = None


def check_scores(settings: ScoreSettings, classes: tuple[str, ...], goal: str) -> None:
    """Refuse settings that name no class, or would do nothing.

    Raises:
        ValueError: says which setting, and why.
    """
    _check_referable(settings.referable, classes, goal)
    known = (*classes, *([REFERABLE] if settings.referable else []))
    for name in ("prevalence", "threshold"):
        for one in getattr(settings, name):
            if one not in known:
                raise ValueError(
                    f"scores.{name} names '{one}', which is none of {', '.join(known)}"
                )
    if settings.costs is not None:
        _check_costs(settings.costs, len(classes))


def _check_referable(name: str | None, classes: tuple[str, ...], goal: str) -> None:
    if name is None:
        return
    if goal != "grade":
        raise ValueError(f"scores.referable has no effect with goal = '{goal}'")
    if name not in classes[1:]:
        raise ValueError(
            f"scores.referable = '{name}' is none of the grades above the lowest: "
            f"{', '.join(classes[1:])}"
        )


def _check_costs(costs: tuple[tuple[float, ...], ...], classes: int) -> None:
    if len(costs) != classes or any(len(row) != classes for row in costs):
        raise ValueError(f"scores.costs needs {classes} rows of {classes} numbers, one a class")
    if not all(cost >= 0 for row in costs for cost in row) or max(map(max, costs)) == 0:
        raise ValueError("scores.costs are numbers from 0, not all of them 0")

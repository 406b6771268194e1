"""Numbers as a report tells them."""

from collections.abc import Mapping, Sequence
from typing import Any

Number = float | int | None

# Score -> what it says, for a reader who doesn't count with it every day.
PLAIN = {
    "accuracy": "share of images that are classified right",
    "balanced_accuracy": "mean share of each class that is found, rare ones weighing as much",
    "macro_f1": "mean over the classes of how found and right go together",
    "auroc": "chance that an image of a class scores higher than one of another; 0.5 is guessing",
    "average_precision": "share that is right, averaged over all thresholds",
    "log_loss": "how wrong the probabilities are; less is better",
    "brier": "squared error of the probabilities; less is better",
    "ece": "how far probabilities lie from what happens; less is better",
    "expected_cost": "mean cost of a mistake, by the costs that were given; less is better",
    "kappa": "agreement beyond chance, where far misses weigh more; 1 is perfect",
    "mae": "mean distance from the true grade; less is better",
    "within_one": "share that is at most one grade off",
    "off_by_two": "share that is two or more grades off; less is better",
    "rps": "squared error of the probabilities of all grades; less is better",
}
SHARES = ("accuracy", "balanced_accuracy", "within_one", "off_by_two")
HEADLINES = {
    "category": ("balanced_accuracy", "auroc"),
    "grade": ("kappa", "mae", "within_one"),
}


def count(number: int | None, unit: str) -> str:
    """Return a number of things: ``1 image``, ``1,200 images``; none is ``not known``."""
    if number is None:
        return f"{unit}s not known"
    return f"{number:,} {unit}{'s' * (number != 1)}"


def amount(found: Mapping[str, int | None]) -> str:
    """Return images and, where they are known, patients of the card's amounts."""
    patients = found.get("patients")
    told = count(found["images"], "image")
    return told if patients is None else f"{told} of {count(patients, 'patient')}"


def percent(value: Number, limits: object = None) -> str:
    """Return a share with its interval: ``78% (72% to 84%)``; ``-`` where there is none.

    A share, or limit, short of 0 or 1 is not rounded to it.
    """
    if value is None:
        return "-"
    return f"{_share(value)}{_between(limits, _share)}"


def plain_number(value: Number, limits: object = None) -> str:
    """Return a number with its interval: ``0.78 (0.72 to 0.84)``."""
    if value is None:
        return "-"
    return f"{_decimal(value)}{_between(limits, _decimal)}"


def told(name: str, value: Number, limits: object = None) -> str:
    """Return a score with its interval, as a share or as a number."""
    return percent(value, limits) if name in SHARES else plain_number(value, limits)


def _between(limits: object, write: Any) -> str:
    if not isinstance(limits, Sequence) or len(limits) != 2:
        return ""
    low, high = (("∞" if limit is None else write(limit)) for limit in limits)
    return f" ({low} to {high})"


def _share(value: float) -> str:
    rounded = round(100 * value)
    if rounded in {0, 100} and value not in {0, 1}:
        return (
            f"{100 * value:.1f}%" if 0.0005 <= value < 0.9995 else ("<0.1%", ">99.9%")[value > 0.5]
        )
    return f"{rounded}%"


def _decimal(value: float) -> str:
    if value not in {0, 1} and (0.995 <= value < 1 or 0 < value < 0.005):
        return f"{value:z.3f}"
    return f"{value:.2f}"


def listed_words(names: Sequence[str], last: str = "and") -> str:
    """Return names as a sentence lists them: ``a, b and c``."""
    names = [*names]
    return f" {last} ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))

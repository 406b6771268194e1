"""The names of views: ``hflip``, ``rotate=5``, or several steps in one, ``hflip+rotate=5``."""

import math
from typing import NamedTuple

from fastmed.errors import nearest

PLAIN = "plain"
# Views that take no amount.
EXACT = ("plain", "hflip", "vflip", "rot90", "rot180", "rot270", "transpose", "transverse")
# What the others' amounts may be: least, greatest, and the one that changes nothing.
AMOUNTS: dict[str, tuple[float, float, float]] = {
    "rotate": (-45, 45, 0),  # degrees, against the clock
    "scale": (0.5, 2, 1),  # factor; the middle stays where it is
    "crop_center": (0.5, 1, 1),  # share of the sides that is seen, as large as the whole
    "crop_top_left": (0.5, 1, 1),
    "crop_top_right": (0.5, 1, 1),
    "crop_bottom_left": (0.5, 1, 1),
    "crop_bottom_right": (0.5, 1, 1),
    "brightness": (0.2, 5, 1),  # factor
    "gamma": (0.2, 5, 1),  # exponent; below 1 is brighter
}
EXAMPLES = {"rotate": 5, "scale": 1.1, "brightness": 1.1, "gamma": 0.9}
STEPS = (*EXACT, *AMOUNTS)


class Step(NamedTuple):
    """One step of a view; the amount is None for those that take none."""

    name: str
    amount: float | None = None

    def __str__(self) -> str:
        return self.name if self.amount is None else f"{self.name}={self.amount:g}"


def read_view(text: str) -> tuple[Step, ...]:
    """Return the steps of a view, in the order in which they are done.

    Raises:
        ValueError: a step is unknown, lacks its amount, or would do nothing.
    """
    steps = tuple(_read_step(part.strip()) for part in text.split("+"))
    names = [step.name for step in steps]
    if len(steps) > 1 and PLAIN in names:
        raise ValueError(f"plain changes nothing in the view '{text}'; leave it out")
    if len(set(names)) < len(names):
        raise ValueError(f"a step stands twice in the view '{text}'")
    return steps


def view_name(text: str) -> str:
    """Return a view as it is written everywhere, ``rotate=5`` for ``rotate = 5.0``."""
    return "+".join(map(str, read_view(text)))


def check_views(views: "tuple[str, ...] | list[str]") -> list[str]:
    """Return the views as they are written everywhere, each named once.

    Raises:
        ValueError: a view is unknown or stands twice, or there is none.
    """
    names = [view_name(view) for view in views]
    if not names:
        raise ValueError("no view is named; the image as it is is 'plain'")
    if len(set(names)) < len(names):
        raise ValueError(f"a view stands twice in {','.join(names)}")
    return names


def _read_step(text: str) -> Step:
    name, sign, amount = (part.strip() for part in text.partition("="))
    if name not in STEPS:
        close = nearest(name, STEPS) or f"; known are {', '.join(STEPS)}"
        raise ValueError(f"no view '{name}'{close}")
    if name in EXACT:
        if sign:
            raise ValueError(f"the view {name} takes no amount")
        return Step(name)
    return Step(name, _read_amount(name, amount))


def _read_amount(name: str, text: str) -> float:
    least, greatest, idle = AMOUNTS[name]
    try:
        amount = float(text)
    except ValueError:
        amount = math.nan
    if not least <= amount <= greatest:
        raise ValueError(
            f"the view {name} needs an amount from {least:g} to {greatest:g}, as in "
            f"'{name}={EXAMPLES.get(name, 0.9):g}'" + (f", not '{text}'" if text else "")
        )
    amount = float(f"{amount:g}")
    if amount == idle:
        raise ValueError(f"the view {name}={amount:g} changes nothing; leave it out or take plain")
    return amount

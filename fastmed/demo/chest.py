"""The chest of a made-up patient: its anatomy and what may be found in it.

Coordinates: x from the midline, positive towards the patient's left (right in the picture);
y downwards from the top; both in sides of the picture.
"""

from dataclasses import dataclass, replace

import numpy as np

from fastmed.demo.drawing import Floats, rise

Generator = np.random.Generator
_EDGE = 0.006


@dataclass(frozen=True)
class Opacity:
    """A shadow in the lung: its centre, radii, and density (1 is as dense as the heart)."""

    x: float
    y: float
    radius_x: float
    radius_y: float
    density: float


Range = tuple[float, float]


@dataclass(frozen=True)
class _Look:
    """The range of each property of an opacity; places are shares of the lung."""

    outwards: Range
    downwards: Range
    radius: Range
    density: Range


_HAZE = _Look((0.55, 0.85), (0.45, 0.90), (0.05, 0.09), (0.40, 0.65))
_CONSOLIDATION = _Look((0.45, 0.75), (0.30, 0.85), (0.07, 0.12), (0.75, 0.95))
_NODULE = _Look((0.40, 0.80), (0.35, 0.85), (0.025, 0.04), (1.0, 1.2))


@dataclass(frozen=True)
class Effusion:
    """Fluid at the base of one lung: its side (-1 or 1) and its depth."""

    side: int
    depth: float


@dataclass(frozen=True)
class Chest:
    """The anatomy of one patient.

    Attributes:
        ratio: the cardiothoracic ratio: widest heart over widest inner chest.
        width: half of the widest inner chest.
        apex: the top of the lungs. base: the height of the right diaphragm's dome.
        left_drop: how much lower the left dome is. dome: how far the domes bulge.
        wall: thickness of the chest wall beside the lungs.
        rib_gap: from rib to rib. rib_slope: how steeply the ribs fall towards the side.
        breasts: density of the breasts' shadows. bubble: radius of the air in the stomach.
        seed: of the vessels, which stay the same in each picture of a patient.
    """

    ratio: float
    width: float
    apex: float
    base: float
    left_drop: float
    dome: float
    wall: float
    rib_gap: float
    rib_slope: float
    breasts: float
    bubble: float
    seed: int
    opacities: tuple[Opacity, ...] = ()
    effusion: Effusion | None = None


def draw_patient(rng: Generator, ratio: float | None = None) -> Chest:
    """Return a chest without findings; the cardiothoracic ratio is normal if not given."""
    return Chest(
        ratio=rng.uniform(0.40, 0.48) if ratio is None else ratio,
        width=rng.uniform(0.28, 0.34),
        apex=rng.uniform(0.13, 0.17),
        base=rng.uniform(0.70, 0.76),
        left_drop=rng.uniform(0.01, 0.035),
        dome=rng.uniform(0.05, 0.08),
        wall=rng.uniform(0.05, 0.10),
        rib_gap=rng.uniform(0.075, 0.09),
        rib_slope=rng.uniform(0.10, 0.18),
        breasts=float(rng.choice([0.0, rng.uniform(0.1, 0.3)])),
        bubble=rng.uniform(0.0, 0.05),
        seed=int(rng.integers(2**31)),
    )


def with_covid(chest: Chest, rng: Generator) -> Chest:
    """Return the chest with hazy opacities at the outer side of both lungs."""
    opacities = [
        _opacity(chest, rng, side, _HAZE) for side in (-1, 1) for _ in range(rng.integers(2, 5))
    ]
    return replace(chest, opacities=tuple(opacities))


def with_consolidation(chest: Chest, rng: Generator) -> Chest:
    """Return the chest with one dense opacity in one lung."""
    return replace(chest, opacities=(_opacity(chest, rng, _side(rng), _CONSOLIDATION),))


def with_pneumonia(chest: Chest, rng: Generator) -> Chest:
    """Return the chest with one dense opacity, or with one in each lung."""
    sides = [_side(rng)] if rng.random() < 0.5 else [-1, 1]
    opacities = [_opacity(chest, rng, side, _CONSOLIDATION) for side in sides]
    return replace(chest, opacities=tuple(opacities))


def with_effusion(chest: Chest, rng: Generator) -> Chest:
    """Return the chest with fluid at the base of one lung."""
    return replace(chest, effusion=Effusion(_side(rng), rng.uniform(0.12, 0.24)))


def with_big_heart(chest: Chest, rng: Generator) -> Chest:
    """Return the chest with a cardiothoracic ratio far above one half."""
    return replace(chest, ratio=rng.uniform(0.58, 0.68))


def with_high_diaphragm(chest: Chest, rng: Generator) -> Chest:
    """Return the chest with the right half of the diaphragm raised."""
    lift = rng.uniform(0.12, 0.18)
    return replace(chest, base=chest.base - lift, left_drop=chest.left_drop + lift)


def with_nodules(chest: Chest, rng: Generator) -> Chest:
    """Return the chest with a few round, dense nodules."""
    nodules = [_opacity(chest, rng, _side(rng), _NODULE) for _ in range(rng.integers(2, 5))]
    round_ones = [replace(nodule, radius_y=nodule.radius_x) for nodule in nodules]
    return replace(chest, opacities=tuple(round_ones))


def heart_mask(chest: Chest, x: Floats, y: Floats) -> Floats:
    """Return 1 in the heart: a sheared ellipse, a third of it right of the midline."""
    half = chest.ratio * chest.width
    height = 0.10 + 0.35 * half
    middle = chest.base + 0.5 * chest.left_drop - 0.62 * height
    across = (x - half / 3) / half
    along = (y - middle - 0.35 * (x - half / 3)) / height
    return rise((1 - np.hypot(across, along)) * min(half, height), _EDGE)


def lung_mask(chest: Chest, x: Floats, y: Floats) -> Floats:
    """Return 1 in the lungs, the part behind the heart included."""
    level = np.clip((y - chest.apex) / (chest.base - chest.apex), 0, 1)
    outer = chest.width * np.sqrt(np.clip(1 - (1 - level) ** 2.6, 0, 1))
    inner = 0.045 + 0.015 * level
    sides = np.minimum(outer - np.abs(x), np.abs(x) - inner)
    heights = np.minimum(y - chest.apex, diaphragm(chest, x) - y)
    return rise(np.minimum(sides, heights), _EDGE)


def diaphragm(chest: Chest, x: Floats) -> Floats:
    """Return the y where the lung ends, for each x."""
    lowest = chest.base + chest.dome + chest.left_drop * rise(x, 0.01)
    bulge = np.clip(1 - ((np.abs(x) / chest.width - 0.42) / 0.62) ** 2, 0, 1)
    return np.asarray(lowest - chest.dome * bulge)


def _side(rng: Generator) -> int:
    return int(rng.choice([-1, 1]))


def _opacity(chest: Chest, rng: Generator, side: int, look: _Look) -> Opacity:
    """Return an opacity in the lung of one side, each property drawn from the look's range."""
    return Opacity(
        x=side * chest.width * rng.uniform(*look.outwards),
        y=chest.apex + (chest.base - chest.apex) * rng.uniform(*look.downwards),
        radius_x=rng.uniform(*look.radius),
        radius_y=rng.uniform(*look.radius) * 1.15,
        density=rng.uniform(*look.density),
    )

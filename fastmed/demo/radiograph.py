"""A chest radiograph: how a chest, a pose and an exposure become a grey picture."""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter

from fastmed.demo.chest import Chest, Opacity, diaphragm, heart_mask, lung_mask
from fastmed.demo.drawing import (
    Bytes,
    Floats,
    Line,
    clouds,
    disc,
    exposed,
    grid,
    lines,
    noise,
    rise,
    to_bytes,
    turned,
)

Generator = np.random.Generator
_MIDLINE, _CENTRE = 0.5, 0.5
_BOX_GRID = 256


@dataclass(frozen=True)
class Pose:
    """How the patient stands before the detector: angle in radians, zoom, shift."""

    angle: float
    zoom: float
    shift_x: float
    shift_y: float

    def to_body(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Return the body's coordinates of places in the picture."""
        x, y = x - _MIDLINE - self.shift_x, y - _CENTRE - self.shift_y
        x, y = turned(x, y, self.angle)
        return x / self.zoom, y / self.zoom + _CENTRE


def draw_pose(rng: Generator) -> Pose:
    """Return a pose as it happens: a little turned, shifted, nearer or farther."""
    return Pose(
        angle=rng.normal(0, 0.035),
        zoom=rng.uniform(0.92, 1.14),
        shift_x=rng.normal(0, 0.02),
        shift_y=rng.normal(0.02, 0.02),
    )


def radiograph(chest: Chest, pose: Pose, size: int, rng: Generator) -> Bytes:
    """Return a picture of the chest, (size, size) uint8, dense parts bright.

    The random numbers make what differs between two pictures of one patient: exposure, haze,
    grain and marker. The mean of the picture is drawn too, whatever the chest shows.
    """
    x, y = grid(size)
    density = _density(chest, *pose.to_body(x, y), rng)
    film = 1 - np.exp(-rng.uniform(1.3, 2.0) * density)
    film = np.maximum(film, 0.9 * lines(size, _marker(rng)))
    film = gaussian_filter(film, rng.uniform(0.2, 0.5) * size / 128)
    film = exposed(film, rng.uniform(0.36, 0.62))
    grain = rng.normal(0, rng.uniform(0.008, 0.025), film.shape)
    return to_bytes(rng.uniform(0, 0.06) + rng.uniform(0.86, 0.96) * film + grain)


def opacity_box(chest: Chest, opacity: Opacity, pose: Pose, size: int) -> tuple[float, ...]:
    """Return x, y, width and height, in pixels, of the part of an opacity that lies in the lung."""
    x, y = pose.to_body(*grid(_BOX_GRID))
    radii = (opacity.radius_x, opacity.radius_y)
    shown = disc(x - opacity.x, y - opacity.y, radii, 0.001) * lung_mask(chest, x, y) > 0.3
    columns, rows = np.flatnonzero(shown.any(axis=0)), np.flatnonzero(shown.any(axis=1))
    corner_and_size = columns[0], rows[0], np.ptp(columns) + 1, np.ptp(rows) + 1
    return tuple(float(value) * size / _BOX_GRID for value in corner_and_size)


def _density(chest: Chest, x: Floats, y: Floats, rng: Generator) -> Floats:
    """Return how much of the rays is held back, (size, size), 0 outside of the body."""
    fixed = np.random.default_rng(chest.seed)
    body = _body(chest, x, y)
    haze = clouds(fixed, x + 2, y + 2, 9)
    air = _air(chest, x, y, haze)
    soft = body * (0.85 + 0.05 * noise(rng, x + 2, y + 2, 4))
    soft += 0.22 * body * _belly(chest, x, y)
    soft += 0.12 * heart_mask(chest, x, y) + chest.breasts * _breasts(chest, x, y)
    density = soft * (1 - 0.74 * air) + _bones(chest, x, y) * body
    density += 0.20 * air * _vessels(chest, x, y, haze, noise(fixed, x + 2, y + 2, 24))
    return density * (1 - 0.5 * _other_air(chest, x, y))


def _air(chest: Chest, x: Floats, y: Floats, haze: Floats) -> Floats:
    """Return how much air there is: the lungs less heart, fluid and opacities."""
    air = lung_mask(chest, x, y) * (1 - heart_mask(chest, x, y)) * (1 - _vascular(chest, x, y))
    air = air * (1 - _fluid(chest, x, y))
    for opacity in chest.opacities:
        air = air * (1 - _shadow(opacity, x, y, haze))
    return np.asarray(air)


def _shadow(opacity: Opacity, x: Floats, y: Floats, haze: Floats) -> Floats:
    """Return an opacity, from 0 to 1: a nodule is even and sharp, a hazy one ragged and soft."""
    uneven = haze if opacity.density < 1 else np.zeros_like(haze)
    softness = min(0.06, opacity.radius_x) * (1.1 - min(opacity.density, 1.0)) + 0.004
    stretch = 1 + 0.12 * uneven
    across, down = (x - opacity.x) * stretch, (y - opacity.y) * stretch
    shadow = disc(across, down, (opacity.radius_x, opacity.radius_y), softness)
    return np.clip(opacity.density * shadow * np.clip(1 + 0.25 * uneven, 0, 1.4), 0, 1)


def _fluid(chest: Chest, x: Floats, y: Floats) -> Floats:
    """Return the fluid of an effusion, whose surface climbs towards the side."""
    if chest.effusion is None:
        return np.zeros_like(x)
    side, depth = chest.effusion.side, chest.effusion.depth
    outwards = np.clip(side * x / chest.width, 0, 1)
    surface = chest.base + 0.03 - depth * (0.6 + 0.7 * outwards**2)
    return rise(y - surface, 0.008) * (side * x > 0)


def _belly(chest: Chest, x: Floats, y: Floats) -> Floats:
    """Return what lies below the diaphragm; fluid in the chest is as dense."""
    below = np.maximum(rise(y - diaphragm(chest, x), 0.006), _fluid(chest, x, y))
    return below * rise(chest.width + chest.wall - np.abs(x), 0.008)


def _body(chest: Chest, x: Floats, y: Floats) -> Floats:
    """Return the outline of neck, shoulders, trunk and arms; thinner towards its edge."""
    side = np.abs(x)
    trunk = chest.width + chest.wall - 0.03 * rise(y - 0.75, 0.05)
    shoulders = 0.09 + (chest.width + 0.10) * rise(y - 0.13, 0.022)
    outline = rise(shoulders + 0.12 * y - side, 0.010)
    arm = chest.width + chest.wall + 0.5 * (y - 0.42 - chest.wall)
    between = rise(side - trunk, 0.008) * rise(arm - side, 0.008)
    return np.asarray(outline * (1 - 0.12 * rise(side - trunk, 0.02)) * (1 - between))


def _bones(chest: Chest, x: Floats, y: Floats) -> Floats:
    """Return spine, ribs, collar bones and shoulder blades."""
    side = np.abs(x)
    discs = 0.75 + 0.25 * np.cos(2 * np.pi * y / 0.055)
    spine = 0.30 * rise(0.032 - side, 0.006) * discs
    collar = 0.235 - 0.28 * side + 0.9 * (side - 0.17) ** 2
    collars = rise(0.011 - np.abs(y - collar), 0.004) * rise(0.36 - side, 0.01)
    collars *= rise(side - 0.035, 0.005)
    blade_x, blade_y = turned(side - chest.width - 0.045, y - 0.33, 1.2)
    blades = disc(blade_x, blade_y, (0.14, 0.05), 0.01)
    return np.asarray(spine + _ribs(chest, side, y) + 0.22 * collars + 0.10 * blades)


def _ribs(chest: Chest, side: Floats, y: Floats) -> Floats:
    """Return the ribs: behind falling towards the side, in front falling towards the middle."""
    outwards = side / chest.width
    behind = y - chest.rib_slope * outwards**2.5 + 0.05 * outwards
    front = y + 1.1 * chest.rib_slope * outwards
    cage = rise(chest.width + 0.015 - side, 0.008) * rise(side - 0.03, 0.01)
    cage *= rise(y - chest.apex + 0.01, 0.012) * rise(chest.base + 0.10 - y, 0.03)
    back_ribs = _stripes(behind / chest.rib_gap, 0.30)
    front_ribs = _stripes(front / (1.25 * chest.rib_gap), 0.45) * rise(outwards - 0.45, 0.05)
    return np.asarray(cage * (0.11 * back_ribs + 0.06 * front_ribs))


def _stripes(phase: Floats, level: float) -> Floats:
    """Return stripes with brighter edges, as bones have in projection."""
    wave = np.cos(2 * np.pi * phase) - level
    return rise(wave, 0.08) * (1 - 0.35 * rise(wave - 0.25, 0.08))


def _vascular(chest: Chest, x: Floats, y: Floats) -> Floats:
    """Return the aortic arch and the roots of the lungs."""
    middle = chest.apex + 0.47 * (chest.base - chest.apex)
    side = np.abs(x - 0.01)
    arch = disc(x - 0.045, y - chest.apex - 0.17, (0.035, 0.04), 0.006)
    descending = rise(0.065 - x, 0.006) * (x > 0) * rise(y - chest.apex - 0.17, 0.01)
    roots = disc(np.abs(x) - 0.075, y - middle, (0.035, 0.065), 0.02)
    pedicle = rise(0.04 + 0.10 * np.clip(y - middle, -0.1, 0.2) - side, 0.006)
    return np.maximum(np.maximum(pedicle, 0.9 * arch), np.maximum(0.6 * descending, 0.55 * roots))


def _vessels(chest: Chest, x: Floats, y: Floats, haze: Floats, fine: Floats) -> Floats:
    """Return the branching shadows of the lungs' vessels, weaker towards the outside."""
    middle = chest.apex + 0.47 * (chest.base - chest.apex)
    across, down = np.abs(x) - 0.06, y - middle
    distance, angle = np.hypot(across, down), np.arctan2(down, across)
    waves = np.cos(9 * angle + 3 * np.sign(x) + 1.2 * haze + 8 * distance)
    branches = rise(waves - 0.55, 0.10) + 0.5 * rise(fine - 0.8, 0.2)
    return np.asarray(branches * np.exp(-distance / 0.13))


def _breasts(chest: Chest, x: Floats, y: Floats) -> Floats:
    return disc(np.abs(x) - 0.62 * chest.width, y - chest.base + 0.10, (0.15, 0.14), 0.008)


def _other_air(chest: Chest, x: Floats, y: Floats) -> Floats:
    """Return the windpipe and the air in the stomach."""
    pipe = 0.5 * rise(0.016 - np.abs(x), 0.004) * rise(chest.apex + 0.20 - y, 0.02)
    if chest.bubble < 0.015:
        return pipe
    left, top = 0.5 * chest.width, chest.base + chest.left_drop + 0.025 + 0.8 * chest.bubble
    return pipe + 0.7 * disc(x - left, y - top, (1.4 * chest.bubble, 0.8 * chest.bubble), 0.006)


def _marker(rng: Generator) -> list[Line]:
    """Return the strokes of the L that marks the patient's left, or nothing."""
    corner = np.array([rng.uniform(0.86, 0.93), rng.uniform(0.05, 0.12)])
    letter = np.array([[0.0, 0.0], [0.0, 0.05], [0.03, 0.05]])
    return [(corner + letter, 0.012)] if rng.random() < 0.7 else []

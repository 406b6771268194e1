"""The fundus of a made-up eye: a colour photograph with the lesions of a retinopathy grade.

Coordinates start at the fovea; the optic disc lies at positive x; the unit is the radius of the
round picture.
"""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter

from fastmed.demo.drawing import (
    Bytes,
    Floats,
    Line,
    clouds,
    disc,
    dots,
    grid,
    lines,
    noise,
    rise,
    to_bytes,
    turned,
)

Generator = np.random.Generator

_DISC = np.array([0.62, 0.0])
_BLOOD = np.array([0.34, 0.66, 0.62])  # how much of red, green and blue blood holds back
_YELLOW = np.array([1.0, 0.86, 0.38])
_WHITE = np.array([0.95, 0.86, 0.60])


@dataclass(frozen=True)
class Lesions:
    """How many lesions of each kind an eye has.

    Attributes:
        microaneurysms: small red dots. haemorrhages: larger red blots.
        exudates: clusters of bright yellow dots. cotton_wool: soft pale patches.
        new_vessels: tangles of fine new vessels. preretinal: dark pools before the retina.
    """

    microaneurysms: int = 0
    haemorrhages: int = 0
    exudates: int = 0
    cotton_wool: int = 0
    new_vessels: int = 0
    preretinal: int = 0

    @property
    def total(self) -> int:
        """The number of all lesions."""
        return sum(vars(self).values())


# Lowest and highest count of each kind of lesion, in the order of Lesions, for grades 0 to 4.
_COUNTS = (
    ((0, 0), (0, 0), (0, 0), (0, 0), (0, 0), (0, 0)),
    ((3, 7), (0, 0), (0, 0), (0, 0), (0, 0), (0, 0)),
    ((7, 12), (3, 10), (0, 3), (0, 1), (0, 0), (0, 0)),
    ((10, 16), (16, 26), (0, 4), (2, 5), (0, 0), (0, 0)),
    ((12, 18), (18, 28), (0, 4), (2, 5), (2, 4), (0, 2)),
)


def draw_lesions(grade: int, rng: Generator) -> Lesions:
    """Return how many lesions an eye of this grade (0 to 4) has; more with each grade."""
    return Lesions(*(int(rng.integers(low, high + 1)) for low, high in _COUNTS[grade]))


def fundus(lesions: Lesions, size: int, rng: Generator) -> Bytes:
    """Return a fundus photograph, (size, size, 3) uint8, round on black.

    Tint, brightness, position and side of the eye are drawn whatever the lesions are.
    """
    camera = _draw_camera(rng)
    x, y = camera.to_eye(*grid(size))
    vessels = _vessels(rng)
    blood = 0.65 * lines(size, camera.strokes(vessels))
    blood = np.maximum(blood, 0.9 * _red_lesions(lesions, camera, vessels, size, rng))
    blood = np.maximum(blood, _pools(lesions.preretinal, camera, x, y, rng))
    picture = _retina(x, y, rng) * (1 - _BLOOD * blood[..., None])
    soft = gaussian_filter(_patches(lesions.cotton_wool, camera, size, rng), 0.008 * size)
    picture = _painted(picture, _WHITE, 0.8 * soft)
    picture = _painted(picture, _YELLOW, 0.9 * _exudates(lesions.exudates, camera, size, rng))
    return _photographed(picture, camera, rng)


@dataclass(frozen=True)
class Camera:
    """Which part of the eye a photograph shows.

    Attributes:
        centre_x, centre_y: the place of the eye in the picture's middle.
        angle: how far the eye is turned, in radians. mirror: -1 for a left eye.
        radius: of the round picture, as a share of its side.
        cut: half of the height that is kept, in radii; 1 keeps all.
    """

    centre_x: float
    centre_y: float
    angle: float
    mirror: int
    radius: float
    cut: float

    def to_eye(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Return the eye's coordinates of places in the picture."""
        x, y = turned((x - 0.5) / self.radius, (y - 0.5) / self.radius, self.angle)
        return self.mirror * x + self.centre_x, y + self.centre_y

    def to_picture(self, places: Floats) -> Floats:
        """Return the picture's coordinates of places (n, 2) in the eye."""
        across = self.mirror * (places[:, 0] - self.centre_x)
        x, y = turned(across, places[:, 1] - self.centre_y, -self.angle)
        return np.stack([x, y], axis=1) * self.radius + 0.5

    def strokes(self, vessels: list[Line]) -> list[Line]:
        """Return lines of the eye as lines of the picture."""
        return [(self.to_picture(points), width * self.radius) for points, width in vessels]

    def scattered(self, count: int, reach: float, rng: Generator) -> Floats:
        """Return places (count, 2) of the eye that the picture shows, none at the optic disc."""
        spread = reach * np.sqrt(rng.random((4 * count, 1)))
        angle = rng.uniform(0, 2 * np.pi, (4 * count, 1))
        places = np.hstack([spread * np.cos(angle), 0.85 * spread * np.sin(angle)])
        places += [self.centre_x, self.centre_y]
        free = np.linalg.norm(places - _DISC, axis=1) > 0.2
        return np.asarray(places[free][:count])


def _draw_camera(rng: Generator) -> Camera:
    return Camera(
        centre_x=rng.uniform(0.05, 0.35),
        centre_y=rng.normal(0, 0.05),
        angle=rng.normal(0, 0.08),
        mirror=int(rng.choice([-1, 1])),
        radius=rng.uniform(0.44, 0.50),
        cut=rng.uniform(0.80, 0.95) if rng.random() < 0.4 else 1.0,
    )


def _retina(x: Floats, y: Floats, rng: Generator) -> Floats:
    """Return the coloured ground with fovea and optic disc, (size, size, 3)."""
    tint = np.array([0.80, rng.uniform(0.34, 0.46), rng.uniform(0.10, 0.22)])
    uneven = 1 + 0.05 * clouds(rng, x + 3, y + 3, 4)
    uneven *= 1 + 0.12 * noise(rng, x + 3, y + 3, 0.5)
    fovea = np.exp(-(x**2 + y**2) / (2 * 0.11**2))
    picture = tint * uneven[..., None] * (1 - np.array([0.25, 0.40, 0.40]) * fovea[..., None])
    from_disc = (x - _DISC[0], y - _DISC[1])
    glow = 0.25 * np.exp(-(from_disc[0] ** 2 + from_disc[1] ** 2) / (2 * 0.22**2))
    picture = _painted(picture, _YELLOW, glow)
    radius = rng.uniform(0.12, 0.145)
    picture = _painted(picture, _YELLOW, 0.85 * disc(*from_disc, (0.9 * radius, radius), 0.012))
    cup = radius * rng.uniform(0.3, 0.5)
    return _painted(picture, np.array([1.0, 0.95, 0.70]), 0.8 * disc(*from_disc, (cup, cup), 0.02))


def _painted(picture: Floats, colour: Floats, cover: Floats) -> Floats:
    """Return the picture with a colour laid over it, where ``cover`` is above 0."""
    return np.asarray(picture + (colour - picture) * cover[..., None])


def _vessels(rng: Generator) -> list[Line]:
    """Return arteries and veins: four arcades out of the optic disc, with branches."""
    vessels: list[Line] = []
    for side in (-1, 1):
        for width in (0.022, 0.032):
            towards, away = side * rng.uniform(1.55, 2.0), side * rng.uniform(0.5, 1.1)
            temporal = _walk(rng, _DISC, towards, side * rng.uniform(1.3, 1.7), 1.9)
            nasal = _walk(rng, _DISC, away, side * rng.uniform(-0.4, 0.4), 0.9)
            vessels += [*_branching(rng, temporal, width), *_branching(rng, nasal, 0.8 * width)]
    return vessels


def _branching(rng: Generator, trunk: Floats, width: float) -> list[Line]:
    """Return a vessel that thins out, with branches to both sides."""
    quarter = len(trunk) // 4
    strokes = [
        (trunk[part * quarter : (part + 1) * quarter + 1], width * (1 - 0.18 * part))
        for part in range(4)
    ]
    for start in rng.integers(quarter // 2, len(trunk) - 2, size=6):
        ahead = trunk[start + 1] - trunk[start]
        angle = np.arctan2(ahead[1], ahead[0]) + rng.choice([-1, 1]) * rng.uniform(0.4, 1.0)
        branch = _walk(rng, trunk[start], angle, rng.normal(0, 0.6), rng.uniform(0.25, 0.7))
        strokes.append((branch, width * rng.uniform(0.35, 0.5)))
    return strokes


def _walk(rng: Generator, start: Floats, angle: float, bend: float, length: float) -> Floats:
    """Return a winding path (41, 2) that turns by ``bend`` radians on its way."""
    steps = 40
    wobble = np.cumsum(rng.normal(0, 0.06, steps))
    heading = angle + bend * np.linspace(0, 1, steps) + wobble
    moves = np.stack([np.cos(heading), np.sin(heading)], axis=1) * length / steps
    return np.vstack([start, start + np.cumsum(moves, axis=0)])


def _red_lesions(
    lesions: Lesions, camera: Camera, vessels: list[Line], size: int, rng: Generator
) -> Floats:
    """Return microaneurysms, haemorrhages and new vessels, (size, size) from 0 to 1."""
    small = camera.scattered(lesions.microaneurysms, 0.8, rng)
    blots = camera.scattered(lesions.haemorrhages, 0.85, rng)
    clots = np.repeat(blots, 4, axis=0) + rng.normal(0, 0.014, (4 * len(blots), 2))
    radii = np.r_[rng.uniform(0.013, 0.019, len(small)), rng.uniform(0.012, 0.028, len(clots))]
    spots = dots(size, camera.to_picture(np.vstack([small, clots])), radii * camera.radius)
    tangles = [line for _ in range(lesions.new_vessels) for line in _tangle(vessels, rng)]
    return np.maximum(spots, lines(size, camera.strokes(tangles)))


def _tangle(vessels: list[Line], rng: Generator) -> list[Line]:
    """Return fine vessels that sprout from a place of the disc or of a large vessel."""
    trunks = np.vstack([points for points, width in vessels if width > 0.015])
    start = _DISC if rng.random() < 0.4 else trunks[rng.integers(len(trunks))]
    return [
        (_walk(rng, start, rng.uniform(0, 6.3), rng.normal(0, 4), rng.uniform(0.15, 0.4)), 0.012)
        for _ in range(12)
    ]


def _pools(count: int, camera: Camera, x: Floats, y: Floats, rng: Generator) -> Floats:
    """Return haemorrhages before the retina: boat-shaped, with a level surface."""
    pools = np.zeros_like(x)
    for place_x, place_y in camera.scattered(count, 0.6, rng):
        width, depth = rng.uniform(0.18, 0.32), rng.uniform(0.14, 0.24)
        boat = disc(x - place_x, y - place_y, (width, depth), 0.012)
        pools = np.maximum(pools, boat * rise(y - place_y + 0.25 * depth, 0.01))
    return pools


def _exudates(count: int, camera: Camera, size: int, rng: Generator) -> Floats:
    """Return clusters of small bright dots, (size, size) from 0 to 1."""
    middles = np.repeat(camera.scattered(count, 0.55, rng), 18, axis=0)
    places = middles + rng.normal(0, 0.055, middles.shape)
    radii = rng.uniform(0.008, 0.022, len(places))
    return dots(size, camera.to_picture(places), radii * camera.radius)


def _patches(count: int, camera: Camera, size: int, rng: Generator) -> Floats:
    """Return cotton wool spots before they are softened, (size, size) from 0 to 1."""
    middles = np.repeat(camera.scattered(count, 0.75, rng), 3, axis=0)
    places = middles + rng.normal(0, 0.02, middles.shape)
    radii = rng.uniform(0.025, 0.045, len(places))
    return dots(size, camera.to_picture(places), radii * camera.radius)


def _photographed(picture: Floats, camera: Camera, rng: Generator) -> Bytes:
    """Return the picture as the camera takes it: round, darker at the edge, with its own light."""
    x, y = (place - 0.5 for place in grid(len(picture)))
    radius = np.hypot(x, y) / camera.radius
    inside = rise(1 - radius, 0.008) * rise(camera.cut - np.abs(y) / camera.radius, 0.008)
    light = (1 - rng.uniform(0.1, 0.35) * radius**2) * inside
    picture = picture * light[..., None]
    picture *= rng.uniform(0.24, 0.44) / (picture.mean() / inside.mean())
    picture = gaussian_filter(picture, (0.0025 * len(picture),) * 2 + (0,))
    return to_bytes(picture + rng.normal(0.01, 0.012, picture.shape))

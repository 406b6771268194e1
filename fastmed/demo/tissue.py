"""Tiles of made-up colorectal tissue, stained with haematoxylin and eosin.

A tile is about 0.11 mm wide. Each kind of tissue is a function that returns how much of both
dyes lies where; `stained` turns that into colours as light through a slide does.
"""

from collections.abc import Callable

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.spatial import cKDTree

from fastmed.demo.drawing import (
    Bytes,
    Floats,
    clouds,
    grid,
    noise,
    rise,
    to_bytes,
    turned,
)

Generator = np.random.Generator
Dyes = tuple[Floats, Floats]  # haematoxylin (blue) and eosin (pink), optical density

# Optical density of red, green and blue a unit of dye, after Macenko et al. (2009).
_HAEMATOXYLIN = np.array([0.56, 0.72, 0.41])
_EOSIN = np.array([0.16, 0.80, 0.46])


def tile(tissue: str, size: int, rng: Generator) -> Bytes:
    """Return a tile (size, size, 3) uint8 of one of the `TISSUES`."""
    x, y = turned(*grid(size), rng.uniform(0, 2 * np.pi))
    x, y = x + rng.uniform(2, 4), y + rng.uniform(2, 4)
    return stained(*TISSUES[tissue](x, y, rng), rng)


def stained(haematoxylin: Floats, eosin: Floats, rng: Generator) -> Bytes:
    """Return the colours of stained tissue; strength, hue and light differ from tile to tile."""
    hue = 1 + rng.normal(0, 0.06, (2, 3))
    haematoxylin = np.clip(haematoxylin, 0, None) * rng.uniform(0.75, 1.2)
    eosin = np.clip(eosin, 0, None) * rng.uniform(0.75, 1.2)
    density = haematoxylin[..., None] * _HAEMATOXYLIN * hue[0]
    density += eosin[..., None] * _EOSIN * hue[1]
    light = rng.uniform(0.86, 0.98) * (1 + rng.normal(0, 0.01, 3))
    picture = gaussian_filter(light * np.exp(-density), (len(density) * 0.004,) * 2 + (0,))
    return to_bytes(picture + rng.normal(0, 0.012, picture.shape))


def _adipose(x: Floats, y: Floats, rng: Generator) -> Dyes:
    """Large empty fat cells with thin pink walls."""
    bent = 0.03 * clouds(rng, x, y, 3)
    first, second, _ = _nearest(_scattered(rng, x, y, 0.34), x + bent, y - bent, 2)
    wall = rise(rng.uniform(0.012, 0.03) - (second - first), 0.006)
    nuclei = _nuclei(rng, x, y, gap=0.13, radius=(0.02, 0.03)) * wall
    return 0.10 * wall + 1.2 * nuclei, 0.03 + 0.55 * wall * (1 + 0.3 * noise(rng, x, y, 9))


def _background(x: Floats, y: Floats, rng: Generator) -> Dyes:
    """The empty slide, with some dust."""
    shade = 0.02 + 0.012 * noise(rng, x, y, 1)
    dust = rise(noise(rng, x, y, 14) - 2.6, 0.1) * rng.uniform(0, 0.3)
    return shade + dust, 0.8 * shade


def _debris(x: Floats, y: Floats, rng: Generator) -> Dyes:
    """Smudged remains of dead cells, with crumbs of nuclei."""
    smudge = clouds(rng, x, y, 4)
    grains = clouds(rng, x, y, 22)
    holes = rise(clouds(rng, x, y, 6) - 0.9, 0.15)
    crumbs = _nuclei(rng, x, y, gap=0.11, radius=(0.006, 0.02), ragged=0.5)
    haematoxylin = 0.16 + 0.10 * smudge + 0.07 * grains + 0.9 * crumbs
    return haematoxylin * (1 - 0.8 * holes), (0.55 + 0.12 * smudge + 0.12 * grains) * (1 - holes)


def _lymphocytes(x: Floats, y: Floats, rng: Generator) -> Dyes:
    """Small, round, dark nuclei side by side."""
    nuclei = _nuclei(rng, x, y, gap=0.068, radius=(0.026, 0.034), ragged=0.12)
    mesh = clouds(rng, x, y, 8)
    return 0.15 + 1.35 * nuclei, 0.22 + 0.08 * mesh + 0.12 * nuclei


def _mucus(x: Floats, y: Floats, rng: Generator) -> Dyes:
    """Pale bluish slime that flows in streaks."""
    bent = 0.10 * clouds(rng, x, y, 2)
    flow = noise(rng, x * 0.15, y + bent, 30) + 0.6 * noise(rng, x * 0.15, y + bent, 60)
    veils = clouds(rng, x, y + bent, 2)
    strands = rise(0.25 - np.abs(noise(rng, x * 0.4, y + bent, 5)), 0.08)
    cells = _nuclei(rng, x, y, gap=0.4, radius=(0.0, 0.035))
    haematoxylin = 0.16 + 0.045 * flow + 0.06 * veils + 0.14 * strands
    return haematoxylin + 0.6 * cells, 0.06 + 0.02 * flow + 0.05 * strands


def _muscle(x: Floats, y: Floats, rng: Generator) -> Dyes:
    """Pink fibres in one direction, with long nuclei along them."""
    bent = y + 0.012 * noise(rng, x, y, 2)
    fibres = noise(rng, x * 0.06, bent, 26) + 0.5 * noise(rng, x * 0.1, bent, 60)
    clefts = rise(noise(rng, x * 0.08, bent, 11) - 1.7, 0.15)
    nuclei = _nuclei(rng, x, bent, gap=0.15, radius=(0.014, 0.024), stretch=5)
    eosin = (0.72 + 0.10 * fibres) * (1 - 0.6 * clefts)
    return 0.10 + 0.03 * fibres + 0.75 * nuclei, eosin


def _normal(x: Floats, y: Floats, rng: Generator) -> Dyes:
    """Glands: rings of nuclei around pale goblet cells and a lumen, with stroma between."""
    bent = 0.012 * clouds(rng, x, y, 5)
    distance, _, gland = _nearest(_scattered(rng, x, y, 0.5), x + bent, y + bent, 2)
    radius = rng.uniform(0.19, 0.23, gland.max() + 1)[gland]
    depth = 1 - distance / radius
    inside = rise(depth, 0.03)
    lumen = rise(depth - 0.78, 0.04)
    goblets = rise(depth - 0.30, 0.04) * (1 - lumen)
    bubbles = goblets * (0.4 + 0.6 * _nuclei(rng, x, y, gap=0.085, radius=(0.034, 0.04)))
    ring = _nuclei(rng, x, y, gap=0.052, radius=(0.020, 0.026)) * rise(
        0.13 - abs(depth - 0.14), 0.02
    )
    around = _nuclei(rng, x, y, gap=0.085, radius=(0.014, 0.026), ragged=0.3) * (1 - inside)
    haematoxylin = 0.12 + 1.15 * ring + 0.85 * around + 0.15 * (inside - bubbles)
    eosin = 0.42 + 0.06 * clouds(rng, x, y, 9) - 0.30 * bubbles
    return haematoxylin * (1 - 0.9 * lumen), eosin * (1 - 0.9 * lumen)


def _stroma(x: Floats, y: Floats, rng: Generator) -> Dyes:
    """Wavy bundles of pink fibres, with gaps and few slender nuclei."""
    bent = y + 0.07 * noise(rng, x, y, 2.5) + 0.03 * noise(rng, x, y, 6)
    fibres = noise(rng, x * 0.15, bent, 20) + 0.6 * noise(rng, x * 0.25, bent, 45)
    gaps = rise(noise(rng, x * 0.3, bent, 9) - 0.9, 0.15)
    slender = _nuclei(rng, x, bent, gap=0.17, radius=(0.011, 0.018), stretch=3)
    round_ones = _nuclei(rng, x, y, gap=0.22, radius=(0.012, 0.026), ragged=0.2)
    eosin = (0.48 + 0.12 * fibres) * (1 - 0.85 * gaps)
    haematoxylin = 0.10 + 0.03 * fibres + 0.9 * np.maximum(slender, round_ones)
    return haematoxylin * (1 - 0.7 * gaps), eosin


def _tumour(x: Floats, y: Floats, rng: Generator) -> Dyes:
    """Crowded, large, irregular nuclei of unlike size and darkness."""
    nuclei = _nuclei(rng, x, y, gap=0.108, radius=(0.036, 0.058), ragged=0.28, stretch=1.35)
    chromatin = clouds(rng, x, y, 26)
    pale = 0.75 + 0.25 * noise(rng, x, y, 7)
    slits = rise(clouds(rng, x, y, 3) - 1.6, 0.12)
    haematoxylin = 0.30 + nuclei * (0.62 * pale + 0.14 * chromatin)
    return haematoxylin * (1 - 0.9 * slits), (0.48 + 0.08 * clouds(rng, x, y, 6)) * (1 - slits)


TISSUES: dict[str, Callable[[Floats, Floats, Generator], Dyes]] = {
    "ADI": _adipose,
    "BACK": _background,
    "DEB": _debris,
    "LYM": _lymphocytes,
    "MUC": _mucus,
    "MUS": _muscle,
    "NORM": _normal,
    "STR": _stroma,
    "TUM": _tumour,
}


def _scattered(rng: Generator, x: Floats, y: Floats, gap: float) -> Floats:
    """Return places (n, 2) all over the tile, about ``gap`` apart, in no visible order."""
    columns = np.arange(x.min() - gap, x.max() + gap, gap)
    rows = np.arange(y.min() - gap, y.max() + gap, gap)
    places = np.stack(np.meshgrid(columns, rows), axis=-1).reshape(-1, 2)
    return np.asarray(places + rng.uniform(-0.38, 0.38, places.shape) * gap)


def _nearest(places: Floats, x: Floats, y: Floats, count: int) -> tuple[Floats, Floats, np.ndarray]:
    """Return the distances to the first and the last of ``count`` near places, and the first."""
    distances, which = cKDTree(places).query(np.stack([x, y], axis=-1), k=[1, count])
    return distances[..., 0], distances[..., 1], which[..., 0]


def _nuclei(
    rng: Generator,
    x: Floats,
    y: Floats,
    *,
    gap: float,
    radius: tuple[float, float],
    ragged: float = 0.0,
    stretch: float = 1.0,
) -> Floats:
    """Return 1 in nuclei about ``gap`` apart, drawn out along x ``stretch`` times."""
    across, down = x / stretch, y
    if ragged:
        across = across + ragged * radius[1] * noise(rng, x, y, 12)
        down = down + ragged * radius[1] * noise(rng, x, y, 12)
    places = _scattered(rng, across, down, gap)
    distance, _, which = _nearest(places, across, down, 1)
    return rise(rng.uniform(*radius, len(places))[which] - distance, 0.004)

"""Whether the network uses what a heat map shows: places are taken away, or shown, hottest first.

Source:
    V. Petsiuk et al., RISE, BMVC 2018 (arXiv 1806.07421).
"""

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import torch
from scipy.integrate import trapezoid
from torch import Tensor
from torch.nn import functional
from torchvision.transforms.functional import gaussian_blur

from fastmed.learn.heatmaps.aim import Aim
from fastmed.learn.heatmaps.maps import Batch

STEPS = 20  # in which all places are taken away
DRAWS = 3  # of maps by chance
GRID = 7  # side of a map by chance before it is smoothed to the image's size
BLUR = 1 / 20  # width of the blur that hides an image, as a share of its side

Curves = dict[str, np.ndarray]


def faithfulness(aim: Aim, batches: Iterable[Batch], maps: np.ndarray, seed: int = 0) -> Curves:
    """Return the scores of deletion and insertion of each image, with its map and by chance.

    Deletion makes places the mean colour, hottest first: the sooner the network is unsure, the
    lower its mean answer. Insertion shows places on a blurred image: the sooner the network is
    sure, the higher. Maps by chance have the grain of a feature map, and each image the mean of
    some.

    Args:
        aim: the network.
        batches: of images.
        maps: their heat maps, (n, H, W).
        seed: of what is drawn.

    Returns:
        ``deletion``, ``insertion``, ``deletion_by_chance``, ``insertion_by_chance``, each (n,):
        the mean over all steps of the probability of the explained class, or of the value.
    """
    generator, start = torch.Generator().manual_seed(seed), 0
    found: dict[str, list[np.ndarray]] = {}
    for batch in batches:
        heat = torch.from_numpy(maps[start : start + len(batch.images)]).to(batch.images.device)
        start += len(batch.images)
        drawn = [_chance(heat, generator) for _ in range(DRAWS)]
        for name, ground in (("deletion", _nothing), ("insertion", _blurred)):
            keeps = name == "deletion"
            found.setdefault(name, []).append(_mean_answer(aim, batch, heat, ground, keeps))
            by_chance = [_mean_answer(aim, batch, one, ground, keeps) for one in drawn]
            found.setdefault(f"{name}_by_chance", []).append(np.mean(by_chance, axis=0))
    return {name: np.concatenate(parts) for name, parts in found.items()}


def _mean_answer(
    aim: Aim, batch: Batch, heat: Tensor, ground: Callable[[Tensor], Tensor], deletes: bool
) -> np.ndarray:
    """Return the area below the curve of answers, (B,), by the trapezoidal rule.

    Args:
        ground: what is seen where the image is not.
        deletes: True if the hottest places vanish first; else they appear first.
    """
    hidden, answers = ground(batch.images), []
    for hot in _hottest(heat):
        shown = torch.where(hot[:, None] == deletes, hidden, batch.images)
        outputs = aim.sureness(shown, *batch.metadata)
        answers.append(outputs.gather(1, batch.columns[:, None])[:, 0])
    curve = torch.stack(answers).cpu().double().numpy()
    return np.asarray(trapezoid(curve, dx=1 / STEPS, axis=0))


def _hottest(heat: Tensor) -> Iterator[Tensor]:
    """Yield the hottest places, (B, H, W) bool: none, a twentieth, ..., all of them."""
    flat = heat.flatten(1)
    rank = flat.argsort(dim=1, descending=True, stable=True).argsort(dim=1)
    for step in range(STEPS + 1):
        yield (rank < flat.shape[1] * step / STEPS).reshape(heat.shape)


def _chance(heat: Tensor, generator: torch.Generator) -> Tensor:
    drawn = torch.rand(len(heat), 1, GRID, GRID, generator=generator)
    smooth = functional.interpolate(drawn, size=heat.shape[1:], mode="bicubic")
    return smooth[:, 0].to(heat.device)


def _nothing(images: Tensor) -> Tensor:
    return torch.zeros_like(images)


def _blurred(images: Tensor) -> Tensor:
    sigma = max(1.0, images.shape[-1] * BLUR)
    width = min(2 * round(2 * sigma) + 1, 2 * (images.shape[-1] // 2) - 1)
    return gaussian_blur(images, [width, width], [sigma, sigma])

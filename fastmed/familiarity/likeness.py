"""Whether images are like those that a network was trained on: in form, light, colour, content."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from fastmed.errors import RunError
from fastmed.files import write_whole

FILE = "likeness.safetensors"
CONTENT, MODALITY = "content", "modality"
# What is measured of an image -> how far beyond the training images it may lie in any case:
# logarithms of the shorter side and of width / height, the others on a scale of 0 to 1.
MEASURES = {"size": 0.25, "aspect": 0.1, "brightness": 0.05, "contrast": 0.05, "colour": 0.02}
MARGIN = 0.25  # of the training images' range that an image may lie outside of it
NEAREST = 5  # training images that content is compared with
USUAL = 0.99  # share of the validation images whose content counts as usual


@dataclass(frozen=True)
class Sight:
    """What was seen of some images.

    Attributes:
        measures: a row an image, the columns `MEASURES` and ``modality`` (empty if not known).
        features: of the network's body, averaged over the map, (n, C); None if it has none.
    """

    measures: pd.DataFrame
    features: np.ndarray | None


@dataclass(frozen=True)
class Likeness:
    """What the training images were like.

    Attributes:
        ranges: measure -> lowest and highest value that counts as usual.
        modalities: of DICOM files; empty if none is known.
        bank: unit features of training images, (m, C) float32; None if the network gives none.
        reach: mean distance to the nearest of them within which content counts as usual.
    """

    ranges: Mapping[str, tuple[float, float]]
    modalities: tuple[str, ...]
    bank: np.ndarray | None
    reach: float

    @classmethod
    def fit(cls, train: Sight, valid: Sight) -> Self:
        """Return what training images were like; the reach is fitted on the validation images.

        Content is far if its cosine distance to the nearest training features, the mean over
        `NEAREST`, is larger than that of `USUAL` of the validation images (deep nearest
        neighbours: Sun et al., ICML 2022).
        """
        ranges = {name: _range(train.measures[name], least) for name, least in MEASURES.items()}
        modalities = tuple(sorted({*train.measures[MODALITY]} - {""}))
        if train.features is None or valid.features is None:
            return cls(ranges, modalities, None, 1.0)
        bank = _unit(train.features)
        found = _distances(valid.features, bank)
        reach = float(np.quantile(found, USUAL, method="higher"))
        return cls(ranges, modalities, bank, max(reach, float(np.finfo(np.float32).eps)))

    def distances(self, sight: Sight) -> np.ndarray:
        """Return how far content is from the training images', (n,); usual is up to 1.

        Not a number where the network gives no features.
        """
        if self.bank is None or sight.features is None:
            return np.full(len(sight.measures), np.nan)
        return _distances(sight.features, self.bank) / self.reach

    def unlike(self, sight: Sight) -> list[str]:
        """Return for each image in what it is unlike the training images, as ``size, content``."""
        outside = {
            name: ~sight.measures[name].between(low, high) & sight.measures[name].notna()
            for name, (low, high) in self.ranges.items()
        }
        if self.modalities:
            known = sight.measures[MODALITY]
            outside[MODALITY] = (known != "") & ~known.isin(self.modalities)
        outside[CONTENT] = pd.Series(self.distances(sight) > 1, sight.measures.index)
        names = list(outside)
        rows = pd.DataFrame(outside).to_numpy(dtype=bool)
        return [", ".join(np.array(names)[row]) for row in rows]

    def save(self, run: Path) -> dict[str, Any]:
        """Write the features into a run folder and return the rest for ``run.json``."""
        if self.bank is not None:
            write_whole(run / FILE, partial(save_file, {"bank": self.bank}))
        ranges = {name: list(ends) for name, ends in self.ranges.items()}
        return {"ranges": ranges, "modalities": list(self.modalities), "reach": self.reach}

    @classmethod
    def load(cls, run: Path, known: Mapping[str, Any]) -> Self:
        """Return what `save` wrote.

        Args:
            run: its folder.
            known: what ``run.json`` says.

        Raises:
            RunError: it is not as fastmed writes it.
        """
        try:
            ranges = {name: _ends(known["ranges"][name]) for name in MEASURES}
            bank = load_file(run / FILE)["bank"] if (run / FILE).is_file() else None
            if not known["reach"] > 0:
                raise ValueError
            return cls(ranges, tuple(known["modalities"]), bank, float(known["reach"]))
        except (KeyError, TypeError, ValueError, SafetensorError):
            raise RunError(f"what {run} knows of its training images is damaged") from None


def told(unlike: Mapping[str, int]) -> str:
    """Return in one sentence how many images are unlike the training images, and in what.

    Args:
        unlike: what is said of images -> of how many; of usual ones nothing is said.
    """
    counts: Counter[str] = Counter()
    for reasons, count in unlike.items():
        counts.update(dict.fromkeys(reasons.split(", ") if reasons else (), count))
    every = ", ".join(f"{reason} {count}" for reason, count in counts.most_common())
    total = sum(unlike.values())
    return (
        f"{total - unlike.get('', 0)} of {total} images are unlike the training images ({every}); "
        "see the column 'unlike', and trust their predictions less"
    )


def _range(values: pd.Series, least: float) -> tuple[float, float]:
    known = values.dropna()
    if known.empty:
        return -np.inf, np.inf
    low, high = float(known.min()), float(known.max())
    more = max(least, MARGIN * (high - low))
    return low - more, high + more


def _ends(written: Sequence[float]) -> tuple[float, float]:
    low, high = written
    return float(low), float(high)


def _unit(features: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    return np.asarray(features / np.maximum(lengths, 1e-12), dtype=np.float32)


def _distances(features: np.ndarray, bank: np.ndarray) -> np.ndarray:
    """Return the mean cosine distance to the nearest features of the bank, (n,)."""
    distances = 1 - _unit(features) @ bank.T
    nearest = min(NEAREST, len(bank))
    found = np.partition(distances, nearest - 1, axis=1)[:, :nearest]
    return np.asarray(found.mean(axis=1, dtype=float))

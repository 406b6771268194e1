"""Predictions tables for tests of scores."""

import numpy as np
import pandas as pd


def predictions(
    classes: list[str], patients: int, images: int = 1, seed: int = 0, gain: float = 1.5
) -> pd.DataFrame:
    """Predictions of a fair network, with some images of each patient, which are alike."""
    rng = np.random.default_rng(seed)
    every = np.arange(len(classes))
    labels = np.concatenate([every, every, rng.integers(0, len(classes), patients)])[:patients]
    raw = rng.gamma(1.0, size=(patients, len(classes)))
    raw[np.arange(patients), labels] += rng.gamma(gain, size=patients)
    raw = np.repeat(raw, images, axis=0) * rng.gamma(4.0, size=(patients * images, len(classes)))
    scores, true = raw / raw.sum(axis=1, keepdims=True), np.repeat(labels, images)
    names, decided = np.array(classes), scores.argmax(axis=1)
    table = pd.DataFrame({"item": [f"{place}.png" for place in range(len(true))]})
    table["group"] = np.repeat([f"p{place}" for place in range(patients)], images)
    table["target"], table["predicted"] = names[true], names[decided]
    table[[f"score_{name}" for name in classes]] = scores
    table["value"], table["grade"] = scores @ every, decided
    return table

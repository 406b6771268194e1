"""How often 95% intervals hold the truth: patients are made up, whose truth is known.

    OMP_NUM_THREADS=1 python benchmarks/coverage.py --trials 1000

A network gives each of K classes a score; the truth of each score is that of a million images. In
one half of the trials a patient has one image, in the other half five, whose outputs are alike.
"""

import argparse
import time
from collections import defaultdict
from collections.abc import Iterator

import numpy as np
import pandas as pd

from fastmed.results.intervals.delong import area_interval
from fastmed.results.scores import ScoreOptions, score

CLASSES = ["none", "mild", "severe"]
SHARES = np.array([0.5, 0.3, 0.2])
ALIKE = 0.8  # share of the variance that the images of a patient have in common
OPTIONS = ScoreOptions(threshold={"severe": 0.3}, prevalence={"severe": 0.02}, referable="mild")
SHOWN = (
    ("overall", "accuracy"), ("overall", "balanced_accuracy"), ("overall", "macro_f1"),
    ("overall", "auroc"), ("overall", "kappa"), ("overall", "mae"), ("overall", "rps"),
    ("overall", "log_loss"), ("overall", "brier"), ("overall", "ece"),
    ("per_class", "severe", "prevalence"), ("per_class", "severe", "sensitivity"),
    ("per_class", "severe", "specificity"), ("per_class", "severe", "ppv"),
    ("per_class", "severe", "npv"), ("per_class", "severe", "f1"),
    ("per_class", "severe", "ppv_deployed"), ("per_class", "severe", "lr_positive"),
    ("per_class", "severe", "auroc"), ("per_class", "severe", "average_precision"),
    ("per_class", "severe", "calibration_slope"), ("per_class", "severe", "calibration_intercept"),
    ("per_class", "severe", "net_benefit"), ("referable", "auroc"), ("referable", "sensitivity"),
)  # fmt: skip
NAIVE = ("naive DeLong", "severe", "auroc")


def predictions(patients: int, images: int, rng: np.random.Generator) -> pd.DataFrame:
    """Return a predictions table of new patients."""
    true = rng.choice(len(CLASSES), patients, p=SHARES)
    ideal = 1.2 * np.eye(len(CLASSES))[true]
    own = rng.normal(0, ALIKE**0.5, (patients, len(CLASSES)))
    noise = rng.normal(0, (1 - ALIKE) ** 0.5, (patients, images, len(CLASSES)))
    odds = (1.4 * (ideal + own)[:, None] + 1.4 * noise).reshape(-1, len(CLASSES))
    scores = np.exp(odds - odds.max(axis=1, keepdims=True))
    scores /= scores.sum(axis=1, keepdims=True)
    names = np.array(CLASSES)
    table = pd.DataFrame({"item": np.arange(len(scores)).astype(str)})
    table["group"] = np.repeat(np.arange(patients), images).astype(str)
    table["target"] = names[np.repeat(true, images)]
    table["predicted"] = names[scores.argmax(axis=1)]
    table[[f"score_{name}" for name in CLASSES]] = scores
    return table


def at(tree: dict, address: tuple[str, ...]):
    """Return the leaf of nested tables."""
    for step in address:
        tree = tree[step]
    return tree


def truths(rng: np.random.Generator) -> dict[tuple[str, ...], float]:
    """Return each score of a million images."""
    table = predictions(1_000_000, 1, rng).assign(group="")
    found = score(table, CLASSES, "grade", ScoreOptions(**{**vars(OPTIONS), "resamples": 0}))
    return {address: at(found, address) for address in SHOWN}


def intervals(table: pd.DataFrame, seed: int) -> Iterator[tuple[tuple[str, ...], list | None]]:
    """Yield the interval of each score, and DeLong's of images as if each were a patient."""
    found = score(table, CLASSES, "grade", ScoreOptions(**{**vars(OPTIONS), "seed": seed}))
    for address in SHOWN:
        yield address, at(found["intervals"], address)
    severe = (table["target"] == "severe").to_numpy()
    yield NAIVE, area_interval(severe, table["score_severe"].to_numpy())


def coverage(patients: int, images: int, trials: int, seed: int) -> dict:
    """Return how many intervals there were and how many held the truth, by address."""
    rng = np.random.default_rng(seed)
    true = truths(rng)
    true[NAIVE] = true["per_class", "severe", "auroc"]
    counts: dict = defaultdict(lambda: [0, 0])
    for trial in range(trials):
        for address, interval in intervals(predictions(patients, images, rng), trial):
            if interval is not None:
                low = -np.inf if interval[0] is None else interval[0]
                high = np.inf if interval[1] is None else interval[1]
                counts[address][0] += 1
                counts[address][1] += low <= true[address] <= high
    return counts


def main() -> None:
    """Print a table of coverages."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=150)
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    started = time.monotonic()
    one, five = (coverage(asked.patients, each, asked.trials, asked.seed) for each in (1, 5))
    print("| score | one image a patient | five images a patient |\n|---|---|---|")
    for address in (*SHOWN, NAIVE):
        cells = [
            f"{held / made:.1%}" + (f" (of {made})" if made < asked.trials else "")
            for made, held in (one[address], five[address])
        ]
        print(f"| {' '.join(address[-2:]).replace('_', ' ')} | {' | '.join(cells)} |")
    print(
        f"\n{asked.trials} trials of {asked.patients} patients, {time.monotonic() - started:.0f} s"
    )


if __name__ == "__main__":
    main()

"""How long the scores of many predictions take, with the intervals of 2,000 resamples.

OMP_NUM_THREADS=1 python benchmarks/resamples.py --images 1000 100000
"""

import argparse
import time

import numpy as np
import pandas as pd

from fastmed.results.scores import score


def predictions(images: int, classes: list[str], each: int, seed: int = 0) -> pd.DataFrame:
    """Return the predictions table of a fair network, with so many images of each patient."""
    rng = np.random.default_rng(seed)
    true = np.repeat(rng.integers(0, len(classes), images // each), each)
    raw = rng.gamma(1.0, size=(len(true), len(classes)))
    raw[np.arange(len(true)), true] += rng.gamma(1.5, size=len(true))
    names = np.array(classes)
    table = pd.DataFrame({"item": np.arange(len(true)).astype(str)})
    table["group"] = (np.arange(len(true)) // each).astype(str)
    table["target"], table["predicted"] = names[true], names[raw.argmax(axis=1)]
    table[[f"score_{name}" for name in classes]] = raw / raw.sum(axis=1, keepdims=True)
    return table


def main() -> None:
    """Print seconds of the processor for each number of images, classes and images a patient."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, nargs="+", default=[1000, 10_000, 100_000])
    print("| images | classes | images a patient | seconds |\n|---|---|---|---|")
    for images in parser.parse_args().images:
        for count in (2, 5):
            for each in (1, 5):
                classes = [f"class {place}" for place in range(count)]
                table = predictions(images, classes, each)
                started = time.process_time()
                score(table, classes, "grade")
                print(f"| {images} | {count} | {each} | {time.process_time() - started:.1f} |")


if __name__ == "__main__":
    main()

"""How long an audit takes, and what it finds where there is nothing to find.

    python benchmarks/audit.py time --images 5000
    python benchmarks/audit.py clean --seeds 20

``time`` writes JPEG files of 224 pixels (drawn fundus photographs with noise of their own) and
audits them twice: with an empty cache, and from it. ``clean`` audits the phantoms of all tasks and
prints what is found in each; an ERROR ends it with code 1.
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from statistics import median

import numpy as np
import pandas as pd
from PIL import Image

from fastmed.auditing.story import audit
from fastmed.demo.drawing import Bytes
from fastmed.demo.fundus import draw_lesions, fundus
from fastmed.demo.phantoms import PHANTOMS, write_phantom
from fastmed.task import Task
from fastmed.taskfile import find_task

SIDE = 224
TASK = {
    "title": "Files to be audited",
    "goal": "category",
    "classes": ["0", "1", "2", "3", "4"],
    "source": {"kind": "table", "file": "labels.csv", "image": "image", "label": "label"},
}


def main() -> int:
    """Do what the command line asks for; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("time", "clean"))
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--tasks", default=",".join(PHANTOMS))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fastmed-audit-") as scratch:
        os.environ["FASTMED_HOME"] = str(Path(scratch) / "home")
        if options.what == "time":
            return _time(Path(scratch), options.images, options.times)
        return _clean(Path(scratch), options.seeds, options.tasks.split(","))


def _time(scratch: Path, images: int, times: int) -> int:
    folder = _write(scratch / "data", images)
    task = Task.model_validate({**TASK, "name": "timed"})
    seconds: dict[str, list[float]] = {"first": [], "second": []}
    for _ in range(times):
        shutil.rmtree(scratch / "home", ignore_errors=True)
        for found in seconds.values():
            start = time.perf_counter()
            audit(task, folder)
            found.append(time.perf_counter() - start)
    for kind, found in seconds.items():
        each = ", ".join(f"{one:.1f}" for one in found)
        print(f"{kind}: median {median(found):.1f} s ({each}) for {images} images")
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    return 0


def _write(folder: Path, images: int) -> Path:
    """Write JPEG files: each of twenty drawn photographs turned, shifted and with its own noise."""
    rng = np.random.default_rng(0)
    drawn = [(fundus(draw_lesions(grade, rng), SIDE, rng), grade) for grade in list(range(5)) * 40]
    folder.mkdir(parents=True)
    rows = []
    for number in range(images):
        picture, grade = drawn[number % len(drawn)]
        Image.fromarray(_changed(picture, rng)).save(folder / f"{number:05d}.jpeg", quality=92)
        rows.append((f"{number:05d}.jpeg", grade))
    pd.DataFrame(rows, columns=["image", "label"]).to_csv(folder / "labels.csv", index=False)
    return folder


def _changed(picture: Bytes, rng: np.random.Generator) -> Bytes:
    turned = Image.fromarray(picture).rotate(float(rng.uniform(0, 360)))
    coarse = rng.normal(0, 25, (14, 14, 3)).repeat(16, axis=0).repeat(16, axis=1)
    return np.clip(np.asarray(turned) + coarse, 0, 255).astype(np.uint8)


def _clean(scratch: Path, seeds: int, tasks: list[str]) -> int:
    wrong = 0
    for name in tasks:
        found: Counter[str] = Counter()
        for seed in range(seeds):
            folder = write_phantom(name, scratch / name / str(seed), seed=seed)
            for one in audit(find_task(name), folder).findings:
                found[f"{one.severity} {one.id}"] += 1
                if one.severity == "ERROR":
                    wrong += 1
                    print(f"{name}, seed {seed}: {one.id} {one.sentence}")
            shutil.rmtree(folder)
        told = ", ".join(f"{what} {count}" for what, count in sorted(found.items()))
        print(f"{name}: {seeds} seeds: {told}", flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

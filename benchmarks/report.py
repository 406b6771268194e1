"""How long the report of many predictions takes, and how large it is.

OMP_NUM_THREADS=1 python benchmarks/report.py RUN --images 10000

The run is copied; made-up predictions take the place of those of its test part, and its
images, history and heat maps stay. Seconds are those of the processor.
"""

import argparse
import json
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np
from resamples import predictions

import fastmed
from fastmed.data.tables import write_table
from fastmed.files import read_json, write_json
from fastmed.results.scores.asked import asked_scores


def made(run: fastmed.Run, images: int) -> None:
    """Write made-up predictions of the test part and their scores into a run."""
    classes = list(run.task.classes)
    table = predictions(images, classes, 2)
    true = [classes.index(name) for name in table["target"]]
    own = table[[f"score_{name}" for name in classes]].to_numpy()[range(len(table)), true]
    table["loss"], table["split"] = -np.log(np.maximum(own, 1e-9)), "test"
    if run.task.goal == "grade":
        table["value"] = table[[f"score_{name}" for name in classes]] @ range(len(classes))
    file = run.path / "scores.json"
    started = time.process_time()
    write_json(file, {**read_json(file), "test": asked_scores(run.task, table)})
    print(f"scoring, which `fastmed evaluate` does: {time.process_time() - started:.1f} s")
    write_table(table, run.predictions_file("test"))


def main() -> None:
    """Print seconds and megabytes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--images", type=int, default=10_000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = shutil.copytree(asked.run, Path(folder) / "runs" / "task" / "run")
        run = fastmed.Run.open(place)
        run.update(data=str(fastmed.Run.open(asked.run).data.absolute()))
        made(run, asked.images)
        started = time.process_time()
        page = fastmed.write_report(place)
        seconds, size = time.process_time() - started, page.stat().st_size
        heat = len(json.loads((page.parent / "report.json").read_text())["heatmaps"])
        print(f"{asked.images} images, {len(run.task.classes)} classes, {heat} heat maps: ", end="")
        print(f"{seconds:.1f} s, {size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()

"""What an exported file predicts, how large it is and how fast, against its run.

    python benchmarks/export.py --data DATA --epochs 3
    python benchmarks/export.py --runs runs/lungs/a runs/retinopathy/b runs/pneumonia/c
    python benchmarks/export.py --resizing DATA/lungs/train_images

DATA holds a folder for each task: ``lungs`` (a category), ``retinopathy`` (a grade) and
``pneumonia`` (with age and sex). Each is trained from random weights; ``--runs`` takes runs that
are there. Each run is exported with fp32, fp16 and int8, and compared with its predictions of its
validation part. Seconds are those of onnxruntime, on one thread, an image at a time, from the raw
pixels to the decision; those of the run are PyTorch's for the prepared square.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import torch
from PIL import Image
from torch.nn.functional import interpolate

from fastmed.console import listen
from fastmed.data.operations.transform import RESAMPLING
from fastmed.data.pseudonyms import located
from fastmed.data.tables import part
from fastmed.exporting import export
from fastmed.exporting.onnx_file import runner
from fastmed.exporting.resampling import Fit
from fastmed.exporting.run_file import inputs_of
from fastmed.exporting.story import PRECISIONS
from fastmed.run import Run
from fastmed.settings.image import ImageSettings
from fastmed.taskfile import find_task
from fastmed.training.train import train

TASKS = {"lungs": {}, "retinopathy": {}, "pneumonia": {"meta": ["age", "sex"]}}
TIMED = 20  # images
RESIZED, SIDE = 60, 224
COLUMNS = (
    "run", "precision", "MB", "ms an image", "largest difference", "other classes", "images",
    "score", "of the run", "of the file",
)  # fmt: skip


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path)
    parser.add_argument("--runs", type=Path, nargs="*", default=[])
    parser.add_argument("--resizing", type=Path, help="a folder of pictures to resize")
    parser.add_argument("--arch", default="resnet18")
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--out", type=Path, help="where new runs go; a folder that is gone later")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    listen(-1)
    if arguments.resizing:
        resizing(sorted(arguments.resizing.iterdir())[:RESIZED])
        return
    with tempfile.TemporaryDirectory() as folder:
        place = arguments.out or Path(folder)
        runs = [Run.open(path) for path in arguments.runs]
        if arguments.data:
            runs += [trained(name, arguments, place) for name in TASKS]
        print("| " + " | ".join(COLUMNS) + " |")
        print("|" + "---|" * len(COLUMNS))
        for run in runs:
            told(run, Path(folder))


def resizing(files: list[Path]) -> None:
    """Print how far resized pictures are from Pillow's, in grey levels of 255."""
    print("| filter | made by | mean | pixels more than half a level off |\n|---|---|---|---|")
    for how in ("bilinear", "bicubic"):
        fit = Fit(ImageSettings(size=SIDE, fit="squish", interpolation=how))
        apart: dict[str, list[np.ndarray]] = {"the file": [], "Resize with antialias": []}
        for file in files:
            picture = Image.open(file).convert("RGB")
            pillows = np.asarray(picture.resize((SIDE, SIDE), RESAMPLING[how])).astype(float)
            pixels = torch.tensor(np.asarray(picture))[None]
            own = fit(pixels)
            plain = pixels.permute(0, 3, 1, 2).float()
            usual = interpolate(plain, (SIDE, SIDE), mode=how, antialias=True).clamp(0, 255)
            for square, found in zip((own, usual), apart.values(), strict=True):
                found.append(np.abs(square[0].permute(1, 2, 0).numpy() - pillows))
        for name, found in apart.items():
            every = np.stack(found)
            print(f"| {how} | {name} | {every.mean():.4f} | {(every > 0.5).mean():.2%} |")


def trained(name: str, arguments: argparse.Namespace, place: Path) -> Run:
    """Return a run of a task on real images."""
    changes = {
        "train.arch": arguments.arch,
        "train.pretrained": False,
        "train.epochs": arguments.epochs,
        "train.freeze_epochs": 0,
        "image.size": arguments.size,
        "image.fit": "letterbox",
        "head": {},
        "balance.method": "none",
        "predict.views": ["plain"],
        **TASKS[name],
    }
    task = find_task(name).with_changes(changes)
    return train(task, arguments.data / name, runs=place / "runs", device="cpu")


def told(run: Run, folder: Path) -> None:
    """Print a row for the run, and for the file of each precision."""
    network = f"{run.task_name}, {run.task.train.arch}"
    size = run.weights.stat().st_size / 1e6
    print(f"| {network} | the run | {size:.1f} | {of_run(run):.1f} |" + " |" * 6, flush=True)
    for precision in PRECISIONS:
        file = folder / f"{run.task_name}-{precision}.onnx"
        found = export(run, file, precision=precision, tolerance=1.0).check
        name = "auroc" if run.task.goal == "category" else "kappa"
        before, after = found.scores.get(name, (float("nan"), float("nan")))
        cells = (
            network, precision, f"{file.stat().st_size / 1e6:.1f}", f"{of_file(run, file):.1f}",
            f"{found.difference:.2g}", found.changed, found.images, name, f"{before:.4f}",
            f"{after:.4f}",
        )  # fmt: skip
        print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def of_file(run: Run, file: Path) -> float:
    """Return the milliseconds that a file takes for an image."""
    items = located(part(run.items, "valid").head(TIMED))
    inputs = list(inputs_of(run.task, run.metadata, items))
    predict = runner(file)
    predict(inputs[0])
    return median(timed(lambda one=one: predict(one)) for one in inputs) * 1000


@torch.no_grad()
def of_run(run: Run) -> float:
    """Return the milliseconds that the network takes for a prepared image."""
    network = run.restore("cpu").model.eval()
    side = run.task.image.size
    given = [torch.rand(1, run.task.image.channels, side, side)]
    if run.metadata is not None:
        given.append(torch.from_numpy(run.metadata.missing)[None])
    network(*given)
    return median(timed(lambda: network(*given)) for _ in range(TIMED)) * 1000


def timed(work: Callable[[], object]) -> float:
    """Return the seconds that some work takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()

"""Images a second: fastmed, plain fastai, a plain PyTorch loop, and the network alone.

    python benchmarks/speed.py --out speed.jsonl [--cases "28 px NPZ" ...] [--images 640]
    python benchmarks/speed.py --out speed.jsonl --grow 1000 10000 100000
    python benchmarks/speed.py --table speed.jsonl

Images are made for the measurement: smooth noise, brighter on one side, in two classes. All sides
read the same files, train the same network from random weights with the same kinds of
augmentation, and are measured in one run, in turns. Times are of whole epochs from the second on;
the first fills caches and starts processes. The ceiling is the training step alone, on a batch that
lies on the device already, in the way that fastmed takes and in the plain one. ``--grow`` measures
loader, predictions and memory for more and more images of 28 pixels.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import psutil
import torch
from fastai.vision.all import (
    CategoryBlock,
    CrossEntropyLossFlat,
    DataBlock,
    GrandparentSplitter,
    ImageBlock,
    Learner,
    PILImage,
    Resize,
    aug_transforms,
    get_image_files,
    parent_label,
    vision_learner,
)
from PIL import Image
from torch import nn
from torchvision import transforms
from torchvision.datasets import DatasetFolder

import fastmed
from fastmed.benching.pace import Pace
from fastmed.console import listen
from fastmed.demo.dicom_file import write_dicom
from fastmed.taskfile import find_task

CLASSES = ("dark", "light")
EPOCHS = 3
VIEWS = 2  # of fastmed's predictions
SMALL = str(Path(__file__).with_name("small_network.py"))
TASK = """
[speed]
title = "Which side is brighter"
goal = "category"
classes = ["dark", "light"]
source = { kind = "folders" }
"""


class Case(NamedTuple):
    """What is trained on.

    Attributes:
        kind: of the files. side: of the images in them, in pixels.
        size: of the network's input. arch, batch: of the network. images: share of all.
    """

    kind: str
    side: int
    size: int
    arch: str
    batch: int = 64
    images: float = 1.0


CASES = {
    "28 px NPZ, ResNet-18": Case("npz", 28, 28, "resnet18"),
    "64 px NPZ, four convolutions": Case("npz", 64, 64, SMALL, images=8.0),
    "64 px PNG, four convolutions": Case("png", 64, 64, SMALL, images=4.0),
    "64 px PNG, MobileNetV3 small 0.5": Case("png", 64, 64, "mobilenetv3_small_050", images=2.0),
    "128 px PNG, ResNet-18": Case("png", 128, 128, "resnet18"),
    "224 px JPEG, ResNet-18": Case("jpg", 224, 224, "resnet18", 32, 0.5),
    "224 px JPEG, EfficientNet-B3": Case("jpg", 224, 224, "efficientnet_b3", 16, 0.25),
    "224 px JPEG, ViT": Case("jpg", 224, 224, "vit_tiny_patch16_224", 32, 0.5),
    "512 px DICOM, ResNet-18": Case("dcm", 512, 224, "resnet18", 32, 0.5),
    "1024 px PNG, ResNet-18": Case("png", 1024, 224, "resnet18", 32, 0.5),
    "380 px JPEG, EfficientNetV2-M": Case("jpg", 380, 380, "efficientnetv2_m", 8, 0.05),
    "224 px JPEG, ResNet-50": Case("jpg", 224, 224, "resnet50", 32, 0.25),
}


def main() -> None:
    """Measure cases and append what is found, or print the table of what was found."""
    options = _options()
    if options.table:
        print(table(options.table))
        return
    listen()
    for name in options.cases or CASES:
        if not options.grow and name not in _done(options.out):
            _append(options.out, {"case": name, **measured(CASES[name], options)})
    for count in options.grow:
        _append(options.out, {"case": f"{count} images", **grown(count, options)})


def measured(case: Case, options: argparse.Namespace) -> dict[str, Any]:
    """Return images a second of all sides."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        count = max(4 * case.batch, int(case.images * options.images))
        write_images(case, place / "data", count)
        plain = fastmed_side(case, place, options, "plain")
        own = fastmed_side(case, place, options)
        sides = {}
        for side, epochs in (("fastai", fastai_epochs), ("pytorch", pytorch_epochs)):
            sides[side] = usual(epochs(case, place / "data", options.device))
        again = fastmed_side(case, place, options)
    both = {name: statistics.mean((own[name], again[name])) for name in again}
    return {**machine(options), "images": count, "fastmed": {**both, **plain}, **sides}


def fastmed_side(
    case: Case, place: Path, options: argparse.Namespace, speed: str = "auto"
) -> dict[str, float]:
    """Return what `fastmed.bench` measures; of steps as fastai takes them, in half of the time."""
    (place / "tasks.toml").write_text(TASK)
    task = find_task("speed", place / "tasks.toml").with_changes({
        "train.arch": case.arch, "train.pretrained": False, "train.batch": case.batch,
        "image.size": case.size, "image.operations": [], "image.fit": "letterbox",
        "augment": {"flip_horizontal": 0.5, "rotate": 10, "zoom": 1.1, "warp": 0.2, "light": 0.2},
        "predict.views": ["plain", "hflip"],
    })  # fmt: skip
    if case.kind == "npz":
        task = task.with_changes({"source": {"kind": "arrays", "file": "images.npz"}})
    seconds = options.seconds / (1 if speed == "auto" else 2)
    changed = task.with_changes({"train.speed": speed})
    speeds = fastmed.bench(changed, place / "data", seconds=seconds, device=options.device)
    names = [*speeds.paces] if speed == "auto" else ["step", "training"]
    return {f"{speed} {name}": speeds.paces[name].usual for name in names}


def fastai_epochs(case: Case, data: Path, device: str | None) -> Iterator[dict[str, float]]:
    """Yield images a second of epochs as fastai's documentation writes a training."""
    block = DataBlock(
        blocks=(ImageBlock, CategoryBlock(list(CLASSES))),
        get_items=lambda place: [*get_image_files(place), *place.rglob("*.dcm")],
        get_y=parent_label,
        splitter=GrandparentSplitter("train", "valid"),
        item_tfms=Resize(case.size),
        batch_tfms=aug_transforms(),
    )
    if case.kind == "npz":
        block = _arrays_block(case, data)
    elif case.kind == "dcm":
        block.blocks = (ImageBlock(_DicomImage), CategoryBlock(list(CLASSES)))
        block = DataBlock(
            blocks=block.blocks,
            get_items=lambda place: [*place.rglob("*.dcm")],
            get_y=parent_label,
            splitter=GrandparentSplitter("train", "valid"),
            item_tfms=Resize(case.size),
            batch_tfms=aug_transforms(),
        )
    dls = block.dataloaders(data, bs=case.batch, num_workers=os.cpu_count(), device=device)
    if case.arch == SMALL:
        learn = Learner(dls, _network(SMALL), loss_func=CrossEntropyLossFlat(), lr=1e-3)
    else:
        learn = vision_learner(dls, case.arch, pretrained=False, n_out=2, lr=1e-3)
    clock = _Clock(len(dls.train_ds), len(dls.valid_ds))
    with learn.no_bar(), learn.no_logging():
        for epoch in range(EPOCHS):
            clock.begin()
            learn.fit(1)
            both = clock.lap()
            clock.begin()
            learn.validate()
            valid = clock.lap()
            seconds = {"training": both - valid, "validation": valid}
            if epoch:
                yield clock.paces(seconds)
        clock.begin()
        learn.tta(n=2)
        yield {"passes": 3 * clock.valid / clock.lap()}  # two augmented ones, and the plain one
    for name, changes in (("loader", aug_transforms()), ("loader_plain", [])):
        changed = block.new(item_tfms=Resize(case.size), batch_tfms=changes)
        loaders = changed.dataloaders(data, bs=case.batch, num_workers=0, device=device)
        yield from _loader_epochs(name, loaders.train, clock)


def _loader_epochs(name: str, loader: Any, clock: "_Clock") -> Iterator[dict[str, float]]:
    for epoch in range(EPOCHS):
        clock.begin()
        for _ in loader:
            pass
        if epoch:
            yield {name: clock.train / clock.lap()}


def pytorch_epochs(case: Case, data: Path, device: str | None) -> Iterator[dict[str, float]]:
    """Yield images a second of epochs of a loop as PyTorch's tutorials write it."""
    place = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    size = (case.size, case.size)
    changes = transforms.Compose([
        transforms.Resize(size), transforms.RandomHorizontalFlip(),
        transforms.RandomAffine(10, scale=(1.0, 1.1)), transforms.RandomPerspective(0.2),
        transforms.ColorJitter(0.2, 0.2), transforms.ToTensor(),
    ])  # fmt: skip
    plain = transforms.Compose([transforms.Resize(size), transforms.ToTensor()])
    loaders = {
        name: torch.utils.data.DataLoader(
            _pictures(case, data / name, tfms), case.batch, shuffle=name == "train",
            drop_last=name == "train", num_workers=os.cpu_count() or 1,
        )
        for name, tfms in (("train", changes), ("valid", plain))
    }  # fmt: skip
    network = _network(case.arch).to(place)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3)
    loss = nn.CrossEntropyLoss()
    clock = _Clock(*(len(loader.dataset) for loader in loaders.values()))
    for epoch in range(EPOCHS):
        clock.begin()
        network.train()
        for images, targets in loaders["train"]:
            loss(network(images.to(place)), targets.to(place)).backward()
            optimizer.step()
            optimizer.zero_grad()
        train = clock.lap()
        clock.begin()
        network.eval()
        with torch.no_grad():
            for images, _ in loaders["valid"]:
                network(images.to(place)).argmax(1).cpu()
        if epoch:
            yield clock.paces({"training": train, "validation": clock.lap()})


def grown(count: int, options: argparse.Namespace) -> dict[str, Any]:
    """Return the paces of loader and predictions for many small images, and the memory held."""
    case = Case("npz", 28, 28, "resnet18")
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        write_images(case, place / "data", count)
        found = fastmed_side(case, place, options)
    memory = psutil.Process().memory_info().rss / 1e6
    return {**machine(options), "images": count, "fastmed": found, "megabytes": round(memory)}


def write_images(case: Case, folder: Path, count: int) -> None:
    """Write images of both classes, a fifth of them for validation."""
    rng = np.random.default_rng(0)
    arrays: dict[str, list[Any]] = {"data": [], "labels": []}
    for number in range(count):
        label, part = number % 2, "valid" if number % 10 < 2 else "train"
        pixels = _picture(case.side, label, rng)
        if case.kind == "npz":
            arrays["data"].append(pixels)
            arrays["labels"].append(label)
            continue
        file = folder / part / CLASSES[label] / f"{number:06}.{case.kind}"
        file.parent.mkdir(parents=True, exist_ok=True)
        if case.kind == "dcm":
            write_dicom(file, pixels, f"p{number}", rng)
        else:
            Image.fromarray(pixels).convert("RGB").save(file)
    if case.kind == "npz":
        folder.mkdir(parents=True)
        np.savez(folder / "images.npz", **{name: np.stack(v) for name, v in arrays.items()})


def _picture(side: int, label: int, rng: np.random.Generator) -> np.ndarray:
    coarse = rng.normal(size=(8, 8)).astype(np.float32)
    smooth = np.asarray(Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC))
    slope = np.linspace(-1, 1, side, dtype=np.float32) * (1 if label else -1)
    noise = rng.normal(scale=0.2, size=(side, side)).astype(np.float32)
    return np.clip(128 + 30 * (smooth + slope + noise), 0, 255).astype(np.uint8)


class _Clock:
    """Seconds of an epoch as images a second."""

    def __init__(self, train: int, valid: int) -> None:
        self.train, self.valid = train, valid

    def begin(self) -> None:
        self.began = time.perf_counter()

    def lap(self) -> float:
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        return time.perf_counter() - self.began

    def paces(self, seconds: dict[str, float]) -> dict[str, float]:
        counts = {"training": self.train, "validation": self.valid}
        return {name: counts[name] / taken for name, taken in seconds.items()}


class _DicomImage(PILImage):
    """A DICOM file as a picture; fastai's own class for it gives raw numbers."""

    @classmethod
    def create(cls, fn: Path, **_: Any) -> "_DicomImage":
        return cls(Image.fromarray(_dicom_pixels(fn)).convert("RGB"))


def _dicom_pixels(file: str | Path) -> np.ndarray:
    from pydicom import dcmread

    return dcmread(file).pixel_array


def _arrays_block(case: Case, data: Path) -> DataBlock:
    pixels, labels, parts = _arrays(data)
    return DataBlock(
        blocks=(ImageBlock(PILImage), CategoryBlock(list(CLASSES))),
        get_items=lambda _: list(range(len(pixels))),
        get_x=lambda row: PILImage.create(np.stack([pixels[row]] * 3, axis=2)),
        get_y=lambda row: CLASSES[labels[row]],
        splitter=lambda _: parts,
        item_tfms=Resize(case.size),
        batch_tfms=aug_transforms(),
    )


def _arrays(data: Path) -> tuple[np.ndarray, np.ndarray, tuple[list[int], list[int]]]:
    with np.load(data / "images.npz") as file:
        pixels, labels = file["data"], file["labels"]
    valid = np.arange(len(pixels)) % 10 < 2
    return pixels, labels, (np.flatnonzero(~valid).tolist(), np.flatnonzero(valid).tolist())


class _Arrays(torch.utils.data.Dataset):
    """Images of an NPZ file as pictures, transformed."""

    def __init__(self, data: Path, part: int, tfms: Callable[..., Any]) -> None:
        self.pixels, self.labels, parts = _arrays(data)
        self.rows, self.tfms = parts[part], tfms

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, place: int) -> tuple[torch.Tensor, int]:
        row = self.rows[place]
        picture = Image.fromarray(self.pixels[row]).convert("RGB")
        return self.tfms(picture), int(self.labels[row])


def _pictures(case: Case, folder: Path, tfms: Callable[..., Any]) -> torch.utils.data.Dataset:
    if case.kind == "npz":
        return _Arrays(folder.parent, int(folder.name == "valid"), tfms)
    opened = _opened_dicom if case.kind == "dcm" else _opened
    return DatasetFolder(str(folder), opened, (f".{case.kind}",), tfms)


def _opened(file: str) -> Image.Image:
    return Image.open(file).convert("RGB")


def _opened_dicom(file: str) -> Image.Image:
    return Image.fromarray(_dicom_pixels(file)).convert("RGB")


def _network(arch: str) -> nn.Module:
    import timm
    from small_network import SmallNetwork

    if arch == SMALL:
        return SmallNetwork()
    network: nn.Module = timm.create_model(arch, num_classes=2)
    return network


def usual(epochs: Iterator[dict[str, float]]) -> dict[str, float]:
    """Return the median pace of each measure."""
    found: dict[str, list[float]] = {}
    for one in epochs:
        for name, pace in one.items():
            found.setdefault(name, []).append(pace)
    return {name: Pace(tuple(paces)).usual for name, paces in found.items()}


def machine(options: argparse.Namespace) -> dict[str, Any]:
    """Return what it was measured on."""
    from fastmed.benching.machine import machine_facts

    device = torch.device(options.device or ("cuda" if torch.cuda.is_available() else "cpu"))
    return {"machine": machine_facts(device)}


def table(file: Path) -> str:
    """Return what was found as a table in Markdown."""
    rows = ["| case | training | of the ceiling | to fastai | to PyTorch | validation to fastai | "
            "epoch to fastai | views to fastai | chosen to plain steps |",
            "|---|---|---|---|---|---|---|---|---|"]  # fmt: skip
    for line in file.read_text().splitlines():
        one = json.loads(line)
        if "fastai" not in one:
            continue
        own = {name.removeprefix("auto "): pace for name, pace in one["fastmed"].items()}
        fastai, pytorch = one["fastai"], one["pytorch"]
        rows.append(
            f"| {one['case']} | {own['training']:,.0f} images/s | "
            f"{own['training'] / own['step']:.0%} | "
            f"{own['training'] / fastai['training']:.1f}x | "
            f"{own['training'] / pytorch['training']:.1f}x | "
            f"{own['validation'] / fastai['validation']:.1f}x | "
            f"{_seconds(fastai) / _seconds(own):.1f}x | "
            f"{VIEWS * own['prediction'] / fastai['passes']:.1f}x | "
            f"{own['step'] / own['plain step']:.2f}x |"
        )
    return "\n".join([*rows, "", *_loaders(file)])


def _seconds(paces: dict[str, float]) -> float:
    """Return the seconds that an epoch takes for each image, a fifth of them for validation."""
    return 0.8 / paces["training"] + 0.2 / paces["validation"]


def _loaders(file: Path) -> Iterator[str]:
    yield "| case | into the network, augmented | to fastai | not augmented | to fastai |"
    yield "|---|---|---|---|---|"
    for line in file.read_text().splitlines():
        one = json.loads(line)
        if "loader" in one.get("fastai", {}):
            parts = [
                f"{one['fastmed'][f'auto {name}']:,.0f} images/s | "
                f"{one['fastmed'][f'auto {name}'] / one['fastai'][name]:.1f}x"
                for name in ("loader", "loader_plain")
            ]
            yield f"| {one['case']} | {' | '.join(parts)} |"


def _done(file: Path) -> set[str]:
    lines = file.read_text().splitlines() if file.is_file() else []
    return {json.loads(line)["case"] for line in lines}


def _append(file: Path, row: dict[str, Any]) -> None:
    with file.open("a") as out:
        out.write(json.dumps(row) + "\n")
    print(json.dumps(row), flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("speed.jsonl"))
    parser.add_argument("--cases", nargs="*", choices=CASES, metavar="CASE")
    parser.add_argument("--images", type=int, default=640)
    parser.add_argument("--seconds", type=float, default=30, help="of each of fastmed's paces")
    parser.add_argument("--device")
    parser.add_argument("--grow", nargs="*", type=int, default=[])
    parser.add_argument("--table", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()

"""The files of each phantom: folders, tables, arrays and DICOM files as the tasks have them."""

import uuid
from collections.abc import Callable, Iterator, Sequence
from itertools import cycle, islice
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from fastmed.demo import chest
from fastmed.demo.chest import Chest
from fastmed.demo.dicom_file import write_dicom
from fastmed.demo.drawing import Bytes
from fastmed.demo.fundus import draw_lesions, fundus
from fastmed.demo.radiograph import Pose, draw_pose, opacity_box, radiograph
from fastmed.demo.tissue import TISSUES, tile

Generator = np.random.Generator
Finding = Callable[[Chest, Generator], Chest]

_NORMAL_RATIO, _LARGE_RATIO = (0.38, 0.49), (0.51, 0.63)
_FINDINGS = ("Normal", "Lung Opacity", "No Lung Opacity / Not Normal")
_GRADES = (0.50, 0.10, 0.25, 0.08, 0.07)
_EXTRA_GRADES = (0.06, 0.30, 0.06, 0.29, 0.29)


def write_cardiomegaly(folder: Path, count: int, size: int, rng: Generator) -> None:
    """Write ``train`` and ``test`` with a folder of PNG files for each class.

    The class is true when the cardiothoracic ratio is above one half.
    """
    shares = {"train": count - count // 5, "test": count // 5}
    drawn = [(part, label) for part in shares for label in _labels(shares[part], (1, 1), rng)]
    for number, (part, label) in enumerate(drawn):
        patient = chest.draw_patient(rng, rng.uniform(*(_NORMAL_RATIO, _LARGE_RATIO)[label]))
        picture = radiograph(patient, draw_pose(rng), size, rng)
        _save(picture, folder / part / ("false", "true")[label] / f"{number + 1:04d}.png")


def write_lungs(folder: Path, count: int, size: int, rng: Generator) -> None:
    """Write ``train_labels.csv``, ``train_images`` and, without labels, ``test_images``.

    A name tells the patient (eight digits) and the image; some patients have several images.
    """
    numbers = iter(rng.permutation(max(30_000, 2 * count)) + 1)
    rows = []
    for part, share in (("train", count - count // 8), ("test", count // 8)):
        for name, label, patient in islice(_visits(numbers, rng), share):
            picture = radiograph(patient, draw_pose(rng), size, rng)
            _save(picture, folder / f"{part}_images" / name)
            rows += [(name, label)] if part == "train" else []
    _write_table(sorted(rows), ["image", "label"], folder / "train_labels.csv")


def write_histology(folder: Path, count: int, size: int, rng: Generator) -> None:
    """Write ``train.npz`` and ``test.npz`` with ``data`` (N, H, W, 3) and ``labels`` (N,)."""
    for part, share in (("train", count - count // 5), ("test", count // 5)):
        labels = _labels(share, (1,) * len(TISSUES), rng, fewest=0)
        data = np.stack([tile(list(TISSUES)[label], size, rng) for label in labels])
        np.savez_compressed(folder / f"{part}.npz", data=data, labels=labels)


def write_pneumonia(folder: Path, count: int, size: int, rng: Generator) -> None:
    """Write DICOM files, the table of classes and the table of boxes; one row a box."""
    images = folder / "stage_2_train_images"
    images.mkdir()
    classes: list[tuple[str, str]] = []
    boxes: list[tuple[object, ...]] = []
    for label in _labels(count, (0.3, 0.3, 0.4), rng):
        name = str(uuid.UUID(bytes=rng.bytes(16), version=4))
        patient = _with_finding(chest.draw_patient(rng), label, rng)
        pose = draw_pose(rng)
        write_dicom(images / f"{name}.dcm", radiograph(patient, pose, size, rng), name, rng)
        shown = _boxes(patient, pose, size) if label == 1 else [(None, None, None, None, 0)]
        classes += [(name, _FINDINGS[label])] * len(shown)
        boxes += [(name, *box) for box in shown]
    columns = ["patientId", "x", "y", "width", "height", "Target"]
    _write_table(classes, ["patientId", "class"], folder / "stage_2_detailed_class_info.csv")
    _write_table(boxes, columns, folder / "stage_2_train_labels.csv")


def write_retinopathy(folder: Path, count: int, size: int, rng: Generator) -> None:
    """Write ``train`` with the imbalance of a screening and ``extra`` with the rare grades."""
    extra = count // 3
    for part, grades, columns in (
        ("train", _labels(count - extra, _GRADES, rng), ["id_code", "diagnosis"]),
        ("extra", _labels(extra, _EXTRA_GRADES, rng, fewest=0), ["image", "level"]),
    ):
        names = [rng.bytes(6).hex() for _ in grades]
        for name, grade in zip(names, grades, strict=True):
            picture = fundus(draw_lesions(grade, rng), size, rng)
            _save(picture, folder / f"{part}_images" / f"{name}.jpeg")
        _write_table(sorted(zip(names, grades, strict=True)), columns, folder / f"{part}.csv")


def _visits(numbers: Iterator[int], rng: Generator) -> Iterator[tuple[str, int, Chest]]:
    """Yield name, label and chest of image after image; a patient has one to three."""
    for label, number in zip(cycle(range(3)), numbers, strict=False):
        patient = _with_lung_disease(chest.draw_patient(rng), label, rng)
        for image in range(int(rng.choice([1, 1, 1, 2, 3]))):
            yield f"{number:08d}_{image:03d}.png", label, patient


def _with_lung_disease(patient: Chest, label: int, rng: Generator) -> Chest:
    """Return a healthy chest (0), one with COVID (1) or with another disease (2)."""
    if label == 0:
        return patient
    if label == 1:
        return chest.with_covid(patient, rng)
    return _any_of([chest.with_consolidation, chest.with_effusion], rng)(patient, rng)


def _with_finding(patient: Chest, label: int, rng: Generator) -> Chest:
    """Return a normal chest (0), one with pneumonia (1) or with another finding (2)."""
    if label == 0:
        return patient
    if label == 1:
        return chest.with_pneumonia(patient, rng)
    others = [chest.with_big_heart, chest.with_high_diaphragm, chest.with_nodules]
    return _any_of(others, rng)(patient, rng)


def _any_of(findings: Sequence[Finding], rng: Generator) -> Finding:
    return findings[int(rng.integers(len(findings)))]


def _boxes(patient: Chest, pose: Pose, size: int) -> list[tuple[float, ...]]:
    """Return x, y, width, height and the target 1 for each opacity."""
    return [(*opacity_box(patient, opacity, pose, size), 1) for opacity in patient.opacities]


def _labels(count: int, shares: Sequence[float], rng: Generator, fewest: int = 2) -> list[int]:
    """Return class numbers in the given shares, each class ``fewest`` times at least, shuffled."""
    wanted = np.array(shares) / sum(shares) * (count - fewest * len(shares))
    bounds = np.rint(np.cumsum(wanted)).astype(int)
    counts = np.diff(bounds, prepend=0) + fewest
    return [int(label) for label in rng.permutation(np.repeat(np.arange(len(shares)), counts))]


def _save(picture: Bytes, path: Path) -> None:
    """Write a PNG or JPEG file (the quality is of JPEG alone), and its folder if need be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(path, quality=92)


def _write_table(rows: Sequence[Sequence[object]], columns: list[str], path: Path) -> None:
    pd.DataFrame(rows, columns=columns).to_csv(path, index=False, lineterminator="\n")

"""NPZ files of images and labels, in a file a part or all in one as MedMNIST has them."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from fastmed.data.layouts.labels import to_classes
from fastmed.data.pixels.npz import array_names, read_images, read_labels
from fastmed.errors import DataError
from fastmed.settings.sources import ArraysSource

# What MedMNIST calls its parts (https://medmnist.com).
MEDMNIST = {"train": "train", "val": "valid", "test": "test"}


def read_arrays(
    source: ArraysSource,
    root: Path,
    classes: Sequence[str],
    skip_bad: bool = False,
) -> pd.DataFrame:
    """Return one row for each image of the arrays.

    Raises:
        DataError: a file or an array is missing, or images and labels differ in number.
    """
    main = "train" if source.valid_file or source.test_file else ""
    files = {main: source.file, "valid": source.valid_file, "test": source.test_file}
    tables = [
        table for part, file in files.items() if file for table in _tables(source, root, file, part)
    ]
    rows = pd.concat(tables, ignore_index=True)
    rows["target"] = to_classes(rows["label"], rows["place"], classes, source.rename)
    return rows


def array_rows(
    root: Path, file: str, data: str, part: str = "", labels: tuple[str, str] | None = None
) -> pd.DataFrame:
    """Return one row for each image of an array.

    Args:
        labels: file and name of the array of labels; None where there are none.
    """
    images = read_images(root / file, data)
    names = read_labels(root / labels[0], labels[1]) if labels else [""] * len(images)
    if len(names) != len(images):
        raise DataError(
            f"{root / file}: '{data}' has {len(images)} images, but there are {len(names)} labels"
        )
    return pd.DataFrame(
        {
            "item": [f"{file}/{data}/{index}" for index in range(len(images))],
            "image": file,
            "array": data,
            "index": range(len(images)),
            "label": pd.Series(names, dtype=str),
            "place": [f"image {index} of '{data}' in {file}" for index in range(len(images))],
            "split": part,
        }
    )


def medmnist_parts(names: Sequence[str]) -> dict[str, str]:
    """Return MedMNIST's own name of each part that a file holds -> ours."""
    return {name: part for name, part in MEDMNIST.items() if f"{name}_images" in names}


def _tables(source: ArraysSource, root: Path, file: str, part: str) -> Iterator[pd.DataFrame]:
    names, main = array_names(root / file), file == source.file
    parts = medmnist_parts(names)
    if source.data in names or not parts:
        label_file = source.label_file if source.label_file and main else file
        yield array_rows(root, file, source.data, part, (label_file, source.labels))
        return
    for name, own in parts.items():
        yield array_rows(
            root, file, f"{name}_images", own if main else part, (file, f"{name}_labels")
        )

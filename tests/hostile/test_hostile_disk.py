"""Disks that are full or read-only, and images that change while fastmed works with them."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from conftest import tiny_task

from fastmed.data.items import read_items
from fastmed.errors import DataError
from fastmed.learn.input.loaders import dataloaders
from fastmed.run import Run

TRAIN = (
    "--arch", "test_resnet", "--no-pretrained", "--epochs", "1", "--batch", "8", "--size", "32",
    "--device", "cpu", "--workers", "0", "--name", "full", "--accept", "Y1=few images",
)  # fmt: skip


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Let the system refuse to write more than so many bytes into a file."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[None]:
    folder.mkdir()
    if os.system(f"mount -t tmpfs -o size={size} none {folder} 2>/dev/null"):
        pytest.skip("this machine lets nobody mount a disk")
    try:
        yield
    finally:
        os.system(f"umount {folder}")


def check_failed(said: object, run: Path, reason: str) -> None:
    """Assert that a training failed with one sentence and left only whole files."""
    assert said.code == 1
    assert f"Error: can't write {run}/checkpoints/epoch-00.safetensors: {reason}" in said.err
    assert said.err.count("Error") == 1
    assert "Traceback" not in said.err
    assert Run.open(run).info["status"] == "failed"
    assert not [path for path in run.rglob("*") if ".tmp" in path.name]
    assert not (run / "model.safetensors").exists()


def test_a_checkpoint_that_does_not_fit_is_one_sentence(
    phantoms: dict, command: Callable, tmp_path: Path
) -> None:
    runs = tmp_path / "runs"
    with files_of_at_most(500_000):
        said = command("train", "lungs", "--data", phantoms["lungs"], "--runs", runs, *TRAIN)
    check_failed(said, runs / "lungs" / "full", "file too large; what was written before is whole")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="needs to mount a small disk")
def test_a_disk_that_is_full_at_a_checkpoint_is_one_sentence(
    phantoms: dict, command: Callable, tmp_path: Path
) -> None:
    runs = tmp_path / "runs"
    with small_disk(runs, "500k"):
        said = command("train", "lungs", "--data", phantoms["lungs"], "--runs", runs, *TRAIN)
        check_failed(said, runs / "lungs" / "full", "the disk is full")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a folder nobody may write")
def test_a_folder_that_can_not_be_written_is_one_sentence(
    phantoms: dict, command: Callable
) -> None:
    said = command("train", "lungs", "--data", phantoms["lungs"], "--runs", "/sys/runs", *TRAIN)
    assert said.code == 1
    assert said.err.splitlines()[-1].startswith("Error: can't make a run folder in /sys/runs/lungs")
    assert "Traceback" not in said.err


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a folder nobody may write")
def test_predictions_that_can_not_be_written_are_one_sentence(
    phantoms: dict, own_run: Callable[[str], Run], command: Callable
) -> None:
    images = phantoms["lungs"] / "test_images"
    run = own_run("lungs").path
    said = command("-q", "predict", images, "--run", run, "--device", "cpu", "--out", "/sys/p.csv")
    assert said.code == 1
    assert said.err.startswith("Error: ")
    assert said.err.count("\n") == 1
    assert "/sys/p.csv" in said.err


@pytest.mark.parametrize("other", [b"no image", b"", None])
def test_an_image_that_changes_before_it_is_learnt_from_is_refused(
    phantoms: dict, tmp_path: Path, other: bytes | None
) -> None:
    """Another image in its place is refused as well as a broken one, and never decoded."""
    data = shutil.copytree(phantoms["cardiomegaly"], tmp_path / "data")
    task = tiny_task("cardiomegaly")
    items = read_items(task, data, cache=False)
    first, second = items.loc[items["split"] == "train", "image"].head(2)
    (data / first).write_bytes((data / second).read_bytes() if other is None else other)
    with pytest.raises(DataError, match=f"{first}: it has changed since it was inspected"):
        list(dataloaders(task, items, device="cpu", workers=0, cache=False).train)


def test_an_array_that_changes_before_it_is_learnt_from_is_refused(
    phantoms: dict, tmp_path: Path
) -> None:
    data = shutil.copytree(phantoms["histology"], tmp_path / "data")
    task = tiny_task("histology")
    items = read_items(task, data, cache=False)
    with np.load(data / "train.npz") as arrays:
        changed = {name: arrays[name] for name in arrays}
    changed["data"][:] = 255 - changed["data"]
    np.savez(data / "train.npz", **changed)
    with pytest.raises(DataError, match="train.npz: it has changed since it was inspected"):
        list(dataloaders(task, items, device="cpu", workers=0, cache=False).train)


def test_an_image_that_changes_after_the_training_is_refused(
    own_run: Callable[[str], Run], command: Callable, tmp_path: Path
) -> None:
    run = own_run("cardiomegaly")
    data = shutil.copytree(run.data, tmp_path / "data")
    run.update(data=str(data))
    items = run.items
    for split in ("valid", "test"):
        first, second = items.loc[items["split"] == split, "image"].head(2)
        shutil.copy(data / second, data / first)
        said = command("-q", "evaluate", run.path, "--split", split, "--device", "cpu")
        assert said.code == 1, said.err
        assert first in said.err
        assert said.err.count("\n") == 1

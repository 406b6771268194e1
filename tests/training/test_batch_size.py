"""The largest batch: what a step keeps is counted, and memory decides."""

from collections.abc import Callable
from types import SimpleNamespace

import psutil
import pytest
import torch
from conftest import tiny_task
from torch import nn

from fastmed.errors import TrainingError
from fastmed.training import batch_size
from fastmed.training.batch_size import largest_batch


def free(monkeypatch: pytest.MonkeyPatch, megabytes: float) -> None:
    memory = SimpleNamespace(available=megabytes * 1e6)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)


def test_what_is_kept_is_counted_once_and_without_weights() -> None:
    """By hand: the images and the map of 4 channels, which two layers keep; 4 bytes each."""
    task = tiny_task("lungs")
    size, channels = task.image.size, task.image.channels
    net = nn.Sequential(
        nn.Conv2d(channels, 4, 1, bias=False), nn.Sigmoid(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3),
    )  # fmt: skip
    learn = SimpleNamespace(model=net, loss_func=nn.CrossEntropyLoss())
    found = batch_size._kept(learn, task, 2, torch.device("cpu"))
    images, maps = 2 * channels * size**2 * 4, 2 * 4 * size**2 * 4
    assert images + maps <= found < images + maps + 200


@pytest.mark.parametrize("name", ["lungs", "retinopathy"])
def test_more_memory_holds_more_images(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for megabytes in (20, 40, 200, 10**6):
        free(monkeypatch, megabytes)
        found.append(largest_batch(tiny_task(name), "cpu"))
    assert found == sorted(found)
    assert found[0] < found[2] <= found[3] == batch_size.MOST
    assert all(one.bit_count() == 1 for one in found)


def test_larger_images_leave_room_for_fewer(monkeypatch: pytest.MonkeyPatch) -> None:
    free(monkeypatch, 400)
    small, large = (largest_batch(tiny_task("lungs", image__size=size), "cpu") for size in (32, 64))
    assert 2 <= large < small


def test_too_little_memory_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    free(monkeypatch, 1)
    with pytest.raises(TrainingError, match="two images of 32 pixels needs .* GB, and cpu has"):
        largest_batch(tiny_task("lungs"), "cpu")


def test_metadata_alone_take_next_to_nothing() -> None:
    task = tiny_task("pneumonia", train__arch="metadata", meta=("age",))
    assert largest_batch(task, "cpu") == batch_size.MOST


def test_random_numbers_stay_as_they_are() -> None:
    torch.manual_seed(3)
    expected = torch.rand(3)
    torch.manual_seed(3)
    largest_batch(tiny_task("lungs"), "cpu")
    assert torch.equal(torch.rand(3), expected)


def test_the_command_takes_the_batch_that_is_found(
    phantoms: dict, command: Callable, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.setattr("fastmed.training.batch_size.largest_batch", lambda task, device: 16)
    seen = []
    monkeypatch.setattr("fastmed.training.train.train", lambda task, *_, **__: seen.append(task))
    monkeypatch.setattr("fastmed.cli.tables.print_training", lambda run: None)
    common = ["train", "lungs", "--data", phantoms["lungs"], "--arch", "test_resnet"]
    assert command(*common, "--batch", "auto").code == 0
    assert command(*common, "--batch", "12").code == 0
    assert [task.train.batch for task in seen] == [16, 12]
    assert command(*common, "--batch", "many").code == 1

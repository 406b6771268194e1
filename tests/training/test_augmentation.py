"""Augmented images are those that the network is trained on."""

import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import tiny_task
from PIL import Image

from fastmed.data.items import read_items
from fastmed.data.operations.transform import prepare
from fastmed.data.pixels.image import open_item
from fastmed.data.store.inspection import places_of
from fastmed.data.tables import part, root_of
from fastmed.errors import TaskError
from fastmed.learn.input.augmented import augmented_pictures, draw_images
from fastmed.run import Run
from fastmed.training.augmentation import augmented_figure

NONE = {
    f"augment__{name}": 0.0 for name in ("flip_horizontal", "flip_vertical", "rotate", "light")
} | {"augment__zoom": 1.0, "augment__last_epoch": None}


def pictures_of(phantoms: dict, name: str = "retinopathy", **changes: object) -> tuple:
    task = tiny_task(name, **{**NONE, **changes})
    items = read_items(task, phantoms[name])
    names, pictures = augmented_pictures(task, items, images=3, variants=16)
    return task, items, names, pictures


def test_a_mirrored_image_is_the_image_or_its_mirror_image(phantoms: dict) -> None:
    task, items, names, pictures = pictures_of(phantoms, augment__flip_horizontal=0.5)
    chosen = draw_images(part(items, "train"), task.classes, 3, 0)
    assert names == chosen["target"].tolist()
    for place, (plain, *variants) in zip(places_of(chosen, root_of(items)), pictures, strict=True):
        seen = prepare(open_item(*place, task.image).pixels, task.image)
        np.testing.assert_allclose(plain, seen, atol=1)
        mirrored = [np.array_equal(one, plain[:, ::-1]) for one in variants]
        same = [np.array_equal(one, plain) for one in variants]
        assert all(a != b for a, b in zip(mirrored, same, strict=True))
        assert 0 < sum(mirrored) < len(variants) == 16


def test_light_changes_brightness_and_no_place(phantoms: dict) -> None:
    *_, pictures = pictures_of(phantoms, augment__light=0.5, augment__light_probability=1.0)
    for plain, *variants in pictures:
        assert len({one.astype(float).mean().round(3) for one in variants}) > 8
        row = plain.astype(float).mean((1, 2))
        for one in variants:
            assert np.corrcoef(row, one.astype(float).mean((1, 2)))[0, 1] > 0.9


def test_grey_networks_have_grey_pictures(phantoms: dict) -> None:
    *_, pictures = pictures_of(phantoms, "lungs", image__channels=1, augment__rotate=10)
    assert {one.shape for some in pictures for one in some} == {(32, 32)}


def test_randomness_is_left_as_it_was(phantoms: dict) -> None:
    before = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()
    first = pictures_of(phantoms, augment__rotate=30)[3]
    assert before == (
        random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist(),
    )  # fmt: skip
    random.random()
    again = pictures_of(phantoms, augment__rotate=30)[3]
    for one, same in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, same)


def test_classes_are_drawn_in_turn(phantoms: dict) -> None:
    task = tiny_task("histology")
    training = part(read_items(task, phantoms["histology"]), "train")
    chosen = draw_images(training, task.classes, 11, seed=3)
    assert chosen["target"].tolist()[:9] == list(task.classes)
    assert chosen["item"].is_unique
    assert len(chosen) == 11


def test_runs_with_augmentation_have_the_figure(trained: dict[str, Run]) -> None:
    for run in trained.values():
        assert (run.figures / "augmented.png").is_file() == run.task.augment.active


def test_no_augmentation_is_one_sentence(phantoms: dict) -> None:
    with pytest.raises(TaskError, match="'lungs' has no augmentation.*--set augment.rotate=15"):
        augmented_figure(tiny_task("lungs"), phantoms["lungs"])
    alone = tiny_task("pneumonia", meta=["age"], train__arch="metadata")
    with pytest.raises(TaskError, match="looks at no image"):
        augmented_figure(alone, phantoms["pneumonia"])


def test_command_draws(phantoms: dict, tmp_path: Path, command: Callable) -> None:
    file = tmp_path / "new" / "augmented.png"
    said = command(
        "augmented", "lungs", "--data", phantoms["lungs"], "--set", "image.size=32",
        "--set", "augment.rotate=20", "--images", 2, "--variants", 3, "--out", file,
    )  # fmt: skip
    assert said.code == 0, said.err
    assert f"Figure {file}" in said.err
    assert Image.open(file).width > 400

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import timm
import torch
from conftest import tiny_task
from safetensors.torch import save_file

from fastmed.data.items import read_items
from fastmed.data.tables import part
from fastmed.errors import RunError
from fastmed.learn.input.loaders import dataloaders
from fastmed.learn.input.statistics import Statistics, measure
from fastmed.learn.learner import learner
from fastmed.learn.network.weights import save_weights
from fastmed.learn.restore import statistics_of
from fastmed.prediction.networks import network_outputs
from fastmed.run import Run
from fastmed.task import Task

SWIN = {
    "train__arch": "swin_tiny_patch4_window7_224",
    "image__size": 64,
    "train__batch": 16,
}
STATISTICS = Statistics((0.3, 0.4, 0.5), (0.2, 0.25, 0.3))
IN_A_NEW_PROCESS = """
import sys
import numpy as np
from fastmed.data.tables import part
from fastmed.learn.restore import statistics_of
from fastmed.prediction.networks import network_outputs
from fastmed.run import Run
for folder in sys.argv[1:]:
    run = Run.open(folder)
    learn = run.restore("cpu")
    outputs = network_outputs(
        learn, run.task, part(run.items, "valid"), statistics_of(run), workers=0
    )
    np.save(run.path / "outputs.npy", outputs)
"""


def train_in_memory(task: Task, root: Path, runs: Path, name: str) -> tuple[Run, np.ndarray]:
    """Return a run, and what the network says that it was saved from."""
    items = read_items(task, root)
    torch.manual_seed(0)
    statistics = replace(STATISTICS, metadata=measure(task, items).metadata)
    learn = learner(task, dataloaders(task, items, statistics, device="cpu", workers=0))
    with learn.no_bar(), learn.no_logging():
        learn.fit(1, 1e-3)
    run = Run.create(runs, task, items, name)
    coding = {"meta": statistics.metadata.to_json()} if statistics.metadata else {}
    run.update(mean=STATISTICS.mean, std=STATISTICS.std, **coding)
    save_weights(learn.model, run.weights)
    valid = part(items, "valid")
    return run, network_outputs(learn, task, valid, statistics, workers=0)


def test_a_new_process_without_the_training_images_predicts_the_same_bits(
    phantoms: dict, tmp_path: Path
) -> None:
    torch.manual_seed(3)
    save_file(timm.create_model("test_resnet").state_dict(), tmp_path / "w.safetensors")
    pretrained = {"train__pretrained": True, "train__weights": str(tmp_path / "w.safetensors")}
    tasks = {
        "category": tiny_task("lungs", augment={"rotate": 20, "light": 0.2}),
        "pretrained": tiny_task("lungs", **pretrained),
        "vit": tiny_task("lungs", train__arch="test_vit", image__size=48),
        "swin": tiny_task("lungs", **SWIN),
        "convnext": tiny_task("histology", train__arch="test_convnext"),
        "grade": tiny_task("retinopathy"),
        "fusion": tiny_task("pneumonia", meta=["age", "sex"]),
        "metadata": tiny_task("pneumonia", meta=["age"], train__arch="metadata"),
    }
    said = {}
    for name, task in tasks.items():
        root = tmp_path / "data" / name
        shutil.copytree(phantoms[task.name], root)
        run, outputs = train_in_memory(task, root, tmp_path / "runs", name)
        said[run.path] = outputs
        if name != "convnext":
            for image in part(run.items, "train")["image"]:
                (root / image).unlink()
    subprocess.run(
        [sys.executable, "-c", IN_A_NEW_PROCESS, *map(str, said)],
        check=True,
        cwd=tmp_path,
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
    )
    for path, outputs in said.items():
        np.testing.assert_array_equal(np.load(path / "outputs.npy"), outputs, err_msg=str(path))
        assert outputs.std() > 0


@pytest.fixture
def run(phantoms: dict, tmp_path: Path) -> Run:
    return train_in_memory(tiny_task("lungs"), phantoms["lungs"], tmp_path, "first")[0]


def outputs_of(run: Run, items: pd.DataFrame) -> np.ndarray:
    return network_outputs(run.restore("cpu"), run.task, items, statistics_of(run), workers=0)


def test_statistics_of_the_pixels_come_from_the_run(run: Run) -> None:
    items = part(run.items, "valid")
    before = outputs_of(run, items)
    assert statistics_of(Run.open(run.path)) == STATISTICS
    run.update(mean=(0.9, 0.9, 0.9))
    changed = outputs_of(Run.open(run.path), items)
    assert np.abs(before - changed).max() > 1e-4


def test_a_restored_learner_is_ready_for_fastais_predict(run: Run) -> None:
    learn = run.restore("cpu")
    assert not learn.model.training
    row = part(run.items, "valid").iloc[0]
    with learn.no_bar():
        decided, _, scores = learn.predict(run.data / row["image"])
    assert decided in run.task.classes
    expected = outputs_of(run, part(run.items, "valid").head(1))[0]
    np.testing.assert_allclose(scores.numpy(), expected, atol=1e-6)


def test_a_run_without_weights_or_statistics_says_so(phantoms: dict, tmp_path: Path) -> None:
    task = tiny_task("lungs")
    run = Run.create(tmp_path, task, read_items(task, phantoms["lungs"]))
    with pytest.raises(RunError, match="its training never began"):
        run.restore("cpu")
    run.update(mean=STATISTICS.mean, std=STATISTICS.std)
    with pytest.raises(RunError, match="stopped before its first epoch ended"):
        run.restore("cpu")


def test_damaged_weights_are_one_sentence(run: Run) -> None:
    run.weights.write_bytes(run.weights.read_bytes()[:1000])
    with pytest.raises(RunError, match="can't be loaded into the run's network") as caught:
        run.restore("cpu")
    assert "\n" not in str(caught.value)

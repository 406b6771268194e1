"""A task is measured as the command line does it, without a trace."""

import json
import os
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import tiny_task

import fastmed
from fastmed.benching.speeds import CEILINGS, LABELS, check_file
from fastmed.errors import RunError, TaskError

CPU = {"device": "cpu", "workers": 0}
TINY = (
    "--arch", "test_resnet", "--size", 32, "--batch", 8, "--device", "cpu", "--workers", 0,
    "--set", "train.pretrained=false", "--seconds", 0.1,
)  # fmt: skip


def states() -> tuple:
    kind, keys, *rest = np.random.get_state()
    return random.getstate(), (kind, keys.tolist(), *rest), torch.get_rng_state().tolist()


def files_but_of_the_cache(*folders: Path) -> set[Path]:
    found = {file for folder in folders for file in folder.rglob("*") if file.is_file()}
    return {file for file in found if "cache" not in file.parts}


def test_command_measures_without_a_trace(
    phantoms: dict, tmp_path: Path, command: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FASTMED_CACHE", str(tmp_path / "cache"))
    places = tmp_path, phantoms["lungs"], Path(os.environ["FASTMED_HOME"])
    files, before = files_but_of_the_cache(*places), states()
    file = tmp_path / "found" / "bench.json"
    said = command("bench", "lungs", "--data", phantoms["lungs"], *TINY, "--out", file)
    assert said.code == 0, said.err
    assert states() == before
    assert files_but_of_the_cache(*places) - files == {file}
    found = json.loads(file.read_text(encoding="utf-8"))
    assert {row["what"] for row in found["speeds"]} == set(LABELS) - {"loader_plain"}
    for row in found["speeds"]:
        assert 0 < row["lowest"] <= row["images_per_second"] <= row["highest"]
        assert LABELS[row["what"]] in said.out
    for sentence in found["limits"]:
        assert sentence in said.err
    assert found["schema"] == "fastmed-bench"
    assert found["machine"]["cores"] == os.cpu_count()
    assert found["conditions"]["decoded"] is True
    assert found["conditions"]["arch"] == "test_resnet"
    assert found["versions"]["torch"] == torch.__version__.partition("+")[0]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["retinopathy", "pneumonia", "histology"])
def test_other_tasks_are_measured_with_and_without_a_cache(name: str, phantoms: dict) -> None:
    task = tiny_task(name, augment={"rotate": 10}, train__mixup=0.4)
    for cache in (True, False):
        found = fastmed.bench(task, phantoms[name], seconds=0.1, cache=cache, **CPU)
        assert found.conditions.decoded is cache
        assert found.conditions.techniques == ("mixup",)
        assert found.conditions.augmentation == ("rotate",)
        table = found.table()
        assert set(table.index) >= set(LABELS) - {"reading"}
        for what, ceiling in CEILINGS.items():
            share = table.loc[what, "images_per_second"] / table.loc[ceiling, "images_per_second"]
            assert table.loc[what, "share"] == found.share(what) == share


@pytest.mark.slow
def test_networks_of_metadata_alone_are_measured(phantoms: dict) -> None:
    changes = {"train__arch": "metadata", "meta": ["age", "sex"], "augment": {}}
    task = tiny_task("pneumonia", **changes)
    found = fastmed.bench(task, phantoms["pneumonia"], seconds=0.1, **CPU)
    assert found.table()["images_per_second"].min() > 0


def test_files_that_can_not_be_written_are_refused_first(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"not '.csv'; name a .json file"):
        check_file(tmp_path / "speeds.csv")
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match="can't write"):
        check_file(tmp_path / "file" / "speeds.json")


def test_no_time_is_refused(phantoms: dict) -> None:
    with pytest.raises(TaskError, match="0 seconds are no time to measure in"):
        fastmed.bench(tiny_task("lungs"), phantoms["lungs"], seconds=0)

"""Embedding maps of runs: what is kept, what is drawn, and what is refused."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fastmed.data.tables import read_table, write_table
from fastmed.errors import DataError, ModelError, RunError
from fastmed.explaining import draw_embedding
from fastmed.files import read_json, write_json
from fastmed.interpretation import interpret
from fastmed.learn.network.backbone import Backbone
from fastmed.results.maps.embedding_files import read_embedding
from fastmed.run import Run


def test_map_is_kept_and_drawn(own_run: Callable[[str], Run]) -> None:
    run = own_run("lungs")
    before = run.predictions_file("valid").read_bytes()
    found = draw_embedding(run, device="cpu")
    assert run.predictions_file("valid").read_bytes() == before
    files = sorted(file.name for file in (run.path / "embedding").iterdir())
    assert files == ["valid.csv", "valid.json"]
    kept = read_table(run.path / "embedding" / "valid.csv")
    assert kept["item"].tolist() == run.predictions("valid")["item"].tolist()
    again = interpret(run).embedding()
    pd.testing.assert_frame_equal(again.table, found.table)
    assert again.facts == read_json(run.path / "embedding" / "valid.json")
    assert "valid_embedding" in {file.stem for file in interpret(run).draw(1)}


def test_features_are_those_of_the_body(own_run: Callable[[str], Run]) -> None:
    run = own_run("pneumonia")
    facts = draw_embedding(run, device="cpu").facts
    body = next(part for part in run.restore("cpu").model.modules() if isinstance(part, Backbone))
    assert facts["features"] == body.features


def test_same_seed_same_map_and_a_sample_is_said(
    own_run: Callable[[str], Run], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="fastmed")
    run = own_run("pneumonia")
    first, again = (draw_embedding(run, most=10, seed=3, device="cpu") for _ in range(2))
    pd.testing.assert_frame_equal(first.table, again.table)
    assert len(first.table) == 10
    assert first.facts["of"] == len(run.predictions("valid"))
    assert f"10 of {first.facts['of']} images" in caplog.text
    assert f"n = 10 of {first.facts['of']}" in first.figure().get_suptitle()


def test_a_map_of_other_weights_is_not_shown(own_run: Callable[[str], Run]) -> None:
    run = own_run("lungs")
    found = draw_embedding(run, device="cpu")
    file = run.path / "embedding" / "valid.json"
    write_json(file, {**read_json(file), "weights_sha256": "0" * 64})
    assert read_embedding(run, "valid", run.predictions("valid")) is None
    write_json(file, found.facts)
    others = run.predictions("valid").assign(item=lambda table: "other/" + table["item"])
    assert read_embedding(run, "valid", others) is None
    run.weights.write_bytes(run.weights.read_bytes() + b" ")
    with pytest.raises(RunError, match="keeps no embedding map of 'valid' by its weights"):
        interpret(run).embedding()


@pytest.mark.parametrize("broken", ["x", "facts", "columns"])
def test_a_damaged_map_is_one_sentence(own_run: Callable[[str], Run], broken: str) -> None:
    run = own_run("cardiomegaly")
    table = draw_embedding(run, device="cpu").table
    folder = run.path / "embedding"
    if broken == "facts":
        facts = read_json(folder / "valid.json")
        write_json(folder / "valid.json", {**facts, "trustworthiness": "<script>alert(1)</script>"})
    else:
        changed = table.assign(x=np.inf) if broken == "x" else table[["item", "x"]]
        write_table(changed, folder / "valid.csv")
    with pytest.raises(RunError, match=r"not numbers|not as fastmed writes it"):
        read_embedding(run, "valid", run.predictions("valid"))


def test_what_has_no_map_is_one_sentence(
    own_run: Callable[[str], Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = own_run("lungs")
    with pytest.raises(DataError, match="takes 10 images or more, not 5"):
        draw_embedding(run, most=5, device="cpu")
    monkeypatch.setattr("fastmed.familiarity.watch.Backbone", type("Other", (), {}))
    with pytest.raises(ModelError, match="no body that gives features"):
        draw_embedding(run, device="cpu")
    run.update(data=str(tmp_path / "gone"))
    with pytest.raises(DataError):
        draw_embedding(run, device="cpu")
    assert not (run.path / "embedding").exists()


@pytest.mark.slow
def test_command_draws_it(command: Callable, own_run: Callable[[str], Run]) -> None:
    run = own_run("cardiomegaly")
    said = command("interpret", run.path, "--embedding", "--device", "cpu")
    assert said.code == 0, said.err
    assert (run.figures / "valid_embedding.png").is_file()

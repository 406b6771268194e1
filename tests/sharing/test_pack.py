"""Runs as one file, and back."""

import json
import shutil
import zipfile
from pathlib import Path

import pytest

from fastmed.data.tables import part
from fastmed.errors import DataError, FastmedError, RunError
from fastmed.prediction.story import predict
from fastmed.run import Run
from fastmed.sharing import pack, unpack
from fastmed.sharing.contents import belongs
from fastmed.sharing.manifest import MANIFEST, sha256_of


@pytest.fixture(scope="module")
def packed(trained, tmp_path_factory) -> Path:
    return pack(trained["lungs"], tmp_path_factory.mktemp("packs") / "model.zip").path


def changed(pack_file: Path, out: Path, change) -> Path:
    """Write a pack with its files changed by a function of name -> bytes."""
    with zipfile.ZipFile(pack_file) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in change(files).items():
            archive.writestr(name, content)
    return out


def test_an_unpacked_run_predicts_the_same(trained, packed, tmp_path):
    run = trained["lungs"]
    found = unpack(packed, tmp_path / "runs", data=run.data)
    other = Run.open(found.path)
    assert found.path == tmp_path / "runs" / run.task.name / run.path.name
    items = part(run.items, "valid")
    expected, given = (predict(one, items, device="cpu", workers=0) for one in (run, other))
    columns = [name for name in expected if name.startswith("score_")]
    assert (expected[columns].to_numpy() == given[columns].to_numpy()).all()


def test_the_same_run_makes_the_same_bytes(trained, packed, tmp_path):
    moved = shutil.copytree(trained["lungs"].path, tmp_path / trained["lungs"].path.name)
    assert sha256_of(pack(moved, tmp_path / "again.zip").path) == sha256_of(packed)


def test_nothing_of_the_machine_and_the_patients_goes_along(trained, packed):
    run = trained["lungs"]
    with zipfile.ZipFile(packed) as archive:
        content = b"".join(archive.read(name) for name in archive.namelist())
        names = archive.namelist()
    for secret in (str(run.data), str(run.path), str(Path.home()), *run.items["item"].head(5)):
        assert secret.encode() not in content
    assert not [name for name in names if "png" in name or "checkpoints" in name]
    assert not [name for name in names if name.startswith("predictions")]


def test_its_owner_finds_the_images_again(trained, packed, tmp_path):
    from fastmed.evaluation import evaluate

    run = trained["lungs"]
    found = Run.open(unpack(packed, tmp_path, data=run.data).path)
    _, scores = evaluate(found, split="valid", device="cpu", workers=0)
    assert scores["n"] == len(part(run.items, "valid"))


def test_what_is_asked_for_goes_along(trained, tmp_path):
    run = trained["retinopathy"]
    file = pack(
        run, tmp_path / "all.zip", include=["predictions", "pictures"], identified=True
    ).path
    found = Run.open(unpack(file, tmp_path / "runs").path)
    assert found.predictions("valid")["item"].tolist() == run.predictions("valid")["item"].tolist()
    assert list(found.figures.glob("*.png"))
    with pytest.raises(RunError, match="there is no 'picture'; did you mean 'pictures'"):
        pack(run, tmp_path / "b.zip", include=["picture"])


def test_metadata_of_images_stays_behind(trained, tmp_path):
    run = Run.open(shutil.copytree(trained["pneumonia"].path, tmp_path / "meta"))
    table = (run.path / "items.csv").read_text().splitlines()
    rows = [f"{line},{'meta_age' if place == 0 else '73'}" for place, line in enumerate(table)]
    (run.path / "items.csv").write_text("\n".join(rows) + "\n")
    with zipfile.ZipFile(pack(run, tmp_path / "plain.zip").path) as archive:
        assert b"meta_age" not in archive.read("items.csv")
    with zipfile.ZipFile(pack(run, tmp_path / "whole.zip", identified=True).path) as archive:
        assert b"meta_age" in archive.read("items.csv")


def test_calibration_can_be_fitted_anew(packed, tmp_path, trained):
    run = Run.open(unpack(packed, tmp_path).path)
    points = predict(
        run, part(trained["lungs"].items, "valid"), operating_point="class=COVID,youden",
        device="cpu", workers=0,
    )  # fmt: skip
    assert "flag" in " ".join(points.columns)


def test_a_readme_for_the_hub(trained, tmp_path):
    file = pack(trained["lungs"], tmp_path / "hub.zip", hub="apache-2.0").path
    with zipfile.ZipFile(file) as archive:
        text = archive.read("README.md").decode()
    assert text.startswith("---\n")
    assert "license: apache-2.0" in text
    assert "library_name: fastmed" in text
    assert "# Model card" in text
    with pytest.raises(RunError, match="no licence as a hub names it"):
        pack(trained["lungs"], tmp_path / "hub2.zip", hub="x\ny: z")


def with_manifest(files, change):
    manifest = json.loads(files[MANIFEST])
    change(manifest)
    return {**files, MANIFEST: json.dumps(manifest).encode()}


TAMPERED = {
    "another weight": (
        lambda f: {**f, "model.safetensors": f["model.safetensors"][:-1] + b"\1"},
        "'model.safetensors' has another checksum",
    ),
    "a file more": (lambda f: {**f, "run.pkl": b"x"}, "also holds 'run.pkl'"),
    "a file less": (
        lambda f: {name: f[name] for name in f if name != "items.csv"}, "lacks 'items.csv'",
    ),
    "no manifest": (
        lambda f: {name: f[name] for name in f if name != MANIFEST}, "has no manifest.json",
    ),
    "a way out": (
        lambda f: with_manifest(f, lambda m: m.update(name="../../x")), "may hold only letters",
    ),
    "a task that leads out": (
        lambda f: with_manifest(f, lambda m: m.update(task="..")), "may hold only letters",
    ),
    "another kind": (
        lambda f: with_manifest(f, lambda m: m.update(kind="family")), "it is no family",
    ),
    "a zip slip": (lambda f: {**f, "../evil.json": b"{}"}, "leads out of the folder"),
    "no list": (lambda f: {**f, MANIFEST: b"[]"}, "not as fastmed writes it"),
}  # fmt: skip


@pytest.mark.parametrize("name", TAMPERED)
def test_what_was_changed_is_refused(packed, tmp_path, name):
    change, sentence = TAMPERED[name]
    file = changed(packed, tmp_path / "bad.zip", change)
    with pytest.raises(DataError, match=sentence):
        unpack(file, tmp_path / "runs")
    assert not [*(tmp_path / "runs").iterdir()]


def test_a_pickle_with_the_right_checksum_is_refused(packed, tmp_path):
    def add(files):
        import hashlib

        evil = b"cos\nsystem\n"
        entry = {"bytes": len(evil), "sha256": hashlib.sha256(evil).hexdigest()}
        return with_manifest(
            {**files, "model.pkl": evil}, lambda m: m["files"].update({"model.pkl": entry})
        )

    with pytest.raises(DataError, match="holds 'model.pkl', which no run has"):
        unpack(changed(packed, tmp_path / "bad.zip", add), tmp_path / "runs")


def test_other_files_are_refused(packed, tmp_path):
    (tmp_path / "x.zip").write_bytes(b"nothing")
    for place, sentence in ((tmp_path / "x.zip", "is no zip file"), (tmp_path / "no", "no file")):
        with pytest.raises(FastmedError, match=sentence):
            unpack(place, tmp_path / "runs")
    with pytest.raises(DataError, match="not the one that was told"):
        unpack(packed, tmp_path / "runs", sha256="0" * 64)
    with pytest.raises(RunError, match="is not a run"):
        pack(tmp_path, tmp_path / "y.zip")


def test_a_pack_is_a_zip(trained, tmp_path):
    with pytest.raises(RunError, match=r"ends in \.zip"):
        pack(trained["lungs"], tmp_path / "x.tar")


def test_a_run_is_never_overwritten(packed, tmp_path):
    unpack(packed, tmp_path)
    with pytest.raises(RunError, match="exists already; choose another --name"):
        unpack(packed, tmp_path)
    assert unpack(packed, tmp_path, name="second").path.name == "second"


def test_only_files_of_runs_belong():
    assert belongs("fold-0/model.safetensors")
    assert belongs("hub/config.json")
    assert belongs("heatmaps/valid/a.png")
    assert not belongs("a/b/c/run.json")
    assert not belongs("model.pt")
    assert not belongs("__init__.py")


def test_the_commands_say_what_they_did(trained, command, tmp_path):
    said = command("pack", trained["lungs"].path, tmp_path / "m.zip")
    assert said.code == 0
    assert "SHA-256" in said.err
    assert "pseudonyms" in said.err
    said = command("unpack", tmp_path / "m.zip", "--runs", tmp_path / "runs")
    assert said.code == 0
    assert "all checksums right" in said.err

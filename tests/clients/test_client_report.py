"""Client reports: whose images, what is said of them, and files that keep to their schema."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread

import fastmed
from fastmed.clients import writing
from fastmed.clients.findings import finding_of
from fastmed.clients.reading import read_clients
from fastmed.clients.record import schema
from fastmed.data.tables import score_columns
from fastmed.errors import DataError, RunError, TaskError
from fastmed.files import read_info, write_json
from fastmed.results.calibration.fitted import calibration_of
from fastmed.run import Run

VALID = jsonschema.Draft202012Validator(schema())
HOSTILE = "<script>alert(1)<img src=x onerror=alert(2)>"
write = fastmed.write_client_report


def of(run: Run, count: int, skip: int = 0) -> list[Path]:
    return [run.data / image for image in run.items["image"].iloc[skip : skip + count]]


def fill(folder: Path, files: list[Path]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for file in files:
        shutil.copy(file, folder / file.name)
    return folder


def read(file: Path) -> dict:
    record = json.loads(file.read_text(encoding="utf-8"))
    VALID.validate(record)
    return record


def texts(folder: Path) -> str:
    files = [file for file in folder.rglob("*") if file.is_file()]
    names = [str(file.relative_to(folder)) for file in files]
    return "\n".join([*names, *(file.read_bytes().decode("latin-1") for file in files)])


def test_one_client(trained: dict[str, Run], tmp_path: Path) -> None:
    run = trained["lungs"]
    folder = fill(tmp_path / "client", of(run, 2))
    (folder / "broken.png").write_bytes(b"no image")
    made = write(run, folder, tmp_path / "out", per_file_json=True, device="cpu")
    record = read(tmp_path / "out" / "report.json")
    client = record["client"]
    table = fastmed.predict(run, folder, skip_bad=True, device="cpu").set_index("item")
    assert [one["image"] for one in client["images"]] == sorted(table.index)
    for one in client["images"]:
        row = table.loc[one["image"]]
        assert one["predicted"] == row["predicted"]
        assert one["probability"] == pytest.approx(row[f"score_{row['predicted']}"])
        assert (tmp_path / "out" / one["heatmap"]).stat().st_size > 1000
        alone = read(tmp_path / "out" / "files" / f"{Path(one['image']).stem}.json")
        assert alone["image"] == one
    mean = table[score_columns(run.task.classes)].mean()
    assert list(client["summary"]["probabilities"].values()) == pytest.approx(mean.tolist())
    assert client["unreadable"] == [{"image": "broken.png", "reason": "it is text, not an image"}]
    assert record["model"]["tested"]["optimistic"]
    assert record["model"]["calibrated"]
    page = made.page.read_text(encoding="utf-8")
    assert "could not be read: broken.png (it is text, not an image)" in page
    assert "Research use, not a medical device." in page
    assert page.count("data:image/jpeg") == 2
    assert made.unreadable == 1


def test_a_folder_of_clients(trained: dict[str, Run], tmp_path: Path) -> None:
    run, top = trained["lungs"], tmp_path / "clients"
    files = of(run, 2)
    fill(top / "anna" / "left", files[:1])
    fill(top / HOSTILE, files[1:])
    (top / HOSTILE / "=1+1.png").write_bytes(b"no image")
    (top / "empty").mkdir()
    made = write(
        run, top, tmp_path / "out", device="cpu", operating_point="class=COVID,youden", sets=0.5,
        abstain=0.5, method="hirescam",
    )  # fmt: skip
    record = read(tmp_path / "out" / "clients.json")
    clients = {one["name"]: one for one in record["clients"]}
    assert list(clients) == [HOSTILE, "anna", "empty"]
    assert clients["anna"]["images"][0]["image"] == f"left/{files[0].name}"
    assert clients["empty"] | {"images": 0} == {
        "folder": "clients/empty", "name": "empty", "patients": None, "summary": None, "images": 0,
        "unreadable": [],
    }  # fmt: skip
    for one in record["clients"]:
        own = tmp_path / "out" / one["folder"]
        assert read(own / "report.json")["client"] == {k: one[k] for k in one if k != "folder"}
        text = (own / "index.html").read_text(encoding="utf-8")
        assert "<script" not in text
        assert "<img src=x" not in text
        for image in one["images"]:
            assert (own / image["heatmap"]).is_file()
            assert image["flagged"] == (image["predicted"] == "COVID")
            assert isinstance(image["set"], list)
            assert isinstance(image["abstained"], bool)
    page = made.page.read_text(encoding="utf-8")
    assert 'href="clients/anna/index.html"' in page
    assert (
        'href="clients/_script_alert%281%29_img%20src%3Dx%20onerror%3Dalert%282%29_/index' in page
    )
    assert "<script" not in page
    assert "Nothing is said of 1 client" in page
    assert made.unreadable == 1


def test_grades_and_arrays(trained: dict[str, Run], tmp_path: Path) -> None:
    run = trained["retinopathy"]
    pixels = np.stack([np.array(Image.open(file).convert("RGB")) for file in of(run, 2)])
    inner = tmp_path / "eyes" / "client"
    inner.mkdir(parents=True)
    np.savez(inner / "both.npz", data=pixels)
    write(run, tmp_path / "eyes", tmp_path / "out", device="cpu", method="occlusion")
    client = read(tmp_path / "out" / "clients.json")["clients"][0]
    assert [one["image"] for one in client["images"]] == ["both.npz/data/0", "both.npz/data/1"]
    values = [one["value"] for one in client["images"]]
    assert client["summary"]["value"] == pytest.approx(np.mean(values))
    assert client["summary"]["highest_value"]["value"] == max(values)
    one = client["images"][0]
    assert run.task.classes[one["grade"]] == one["predicted"]
    assert one["explained"] == "value"
    page = (tmp_path / "out" / client["folder"] / "index.html").read_text(encoding="utf-8")
    assert "on a scale from 0 (No DR) to 4 (Proliferative DR)" in page


def test_images_of_several_patients_are_noticed(trained: dict[str, Run], tmp_path: Path) -> None:
    run = trained["pneumonia"]
    folder = fill(tmp_path / "client", of(run, 2))
    made = write(run, folder, tmp_path / "out", device="cpu", calibrate=False)
    assert made.record["client"]["patients"] == 2
    assert not read(tmp_path / "out" / "report.json")["model"]["calibrated"]
    page = made.page.read_text(encoding="utf-8")
    assert "These images name 2 different patients" in page
    assert "were not calibrated" in page
    names = [str(dcmread(file).PatientID) for file in of(run, 2)]
    assert len(set(names)) == 2


@pytest.mark.parametrize("name", ["lungs", "retinopathy"])
def test_one_image_is_decided_as_predict_decides(name: str, trained: dict[str, Run]) -> None:
    """Also where the likeliest class is not the predicted one."""
    run = trained[name]
    share = 1 / len(run.task.classes)
    wishes = {"prevalence": dict.fromkeys(run.task.classes, share)} if name == "lungs" else {}
    table = fastmed.predict(run, run.items.head(12).assign(), device="cpu", **wishes)
    calibration = calibration_of(run, **wishes)
    for place in range(len(table)):
        row = table.iloc[[place]]
        found = finding_of(row, run.task, calibration, None)
        assert found.predicted == row["predicted"].iloc[0]


def test_a_balanced_training_decides_as_its_network_does(trained: dict[str, Run]) -> None:
    run = trained["lungs"]
    calibration = calibration_of(run)
    weights = np.array([4.0, 1.0, 1.0])
    outputs = np.array([[0.45, 0.35, 0.2]])
    balanced = type(calibration)(temperature=1.7, weights=weights)
    table = fastmed.predict(run, run.items.head(1).assign(), device="cpu")
    table[score_columns(run.task.classes)] = balanced.probabilities(outputs)
    found = finding_of(table, run.task, balanced, None)
    assert found.predicted == run.task.classes[balanced.decisions(outputs)[0]]
    assert max(found.probabilities, key=found.probabilities.get) != found.predicted


def test_whose_images_they_are_is_asked(trained: dict[str, Run], tmp_path: Path) -> None:
    run, top = trained["lungs"], tmp_path / "top"
    files = of(run, 3)
    fill(top / "inner", files[:1])
    fill(top, files[1:])
    with pytest.raises(DataError, match="2 images beside 1 folders with images, so it is neither"):
        read_clients(run.task, top)
    together = read_clients(run.task, top, one_client=True)
    assert (together.several, together.names, len(together.items)) == (False, ["top"], 3)
    classes = tmp_path / "classes"
    for name in run.task.classes:
        fill(classes / name, files[:1])
    with pytest.raises(DataError, match="are named as classes"):
        read_clients(run.task, classes)
    with pytest.raises(DataError, match="is laid out as a data set of the task 'lungs'"):
        read_clients(run.task, run.data)
    with pytest.raises(DataError, match="is a table, and a client report is of a client's folder"):
        read_clients(run.task, run.data / "train_labels.csv")
    (tmp_path / "nothing").mkdir()
    with pytest.raises(DataError, match="no images found"):
        read_clients(run.task, tmp_path / "nothing")
    (tmp_path / "nothing" / "a.png").write_bytes(b"x")
    with pytest.raises(DataError, match=r"no image in .* can be read; the first: a\.png, it is"):
        read_clients(run.task, tmp_path / "nothing")


def test_nothing_is_lost_or_half_written(
    trained: dict[str, Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, out = trained["lungs"], tmp_path / "out"
    file = of(run, 1)[0]
    write(run, file, out, device="cpu")
    before = texts(out)
    with pytest.raises(RunError, match="holds another client report; `--overwrite` replaces it"):
        write(run, file, out, device="cpu")

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(writing, "save", interrupted)
        with pytest.raises(KeyboardInterrupt):
            write(run, file, out, overwrite=True, device="cpu")
    assert texts(out) == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    (out / "mine.txt").write_text("mine")
    with pytest.raises(RunError, match="holds 'mine.txt', which is not of a client report"):
        write(run, file, out, overwrite=True, device="cpu")
    folder = fill(tmp_path / "client", [file])
    for place in (folder / "report", tmp_path):
        with pytest.raises(RunError, match="lie in one another"):
            write(run, folder, place, device="cpu")
    with pytest.raises(TaskError, match="no method of heat maps 'gradcom'; did you mean"):
        write(run, folder, tmp_path / "new", method="gradcom")


def test_hidden_names_are_written_nowhere(own_run: Callable[[str], Run], tmp_path: Path) -> None:
    run = own_run("lungs")
    task = read_info(run.path / "task.json")
    write_json(run.path / "task.json", {**task, "pseudonymise": True})
    top = tmp_path / "clients"
    client = fill(top / "MUELLER-ANNA", of(run, 1))
    next(client.iterdir()).rename(client / "MUELLER-chest.png")
    (client / "MUELLER-broken.png").write_bytes(b"no image")
    write(run.path, top, tmp_path / "out", per_file_json=True, device="cpu")
    assert "MUELLER" not in texts(tmp_path / "out")
    client = read(tmp_path / "out" / "clients.json")["clients"][0]
    assert len(client["name"]) == len(client["images"][0]["image"]) == 16
    assert len(client["unreadable"]) == 1


def test_the_schema_refuses_what_is_not_declared(trained: dict[str, Run], tmp_path: Path) -> None:
    record = write(
        trained["lungs"], of(trained["lungs"], 1)[0], tmp_path / "o", device="cpu"
    ).record
    VALID.check_schema(schema())
    for change in ({"schema_version": 2}, {"kind": "clients"}, {"more": 1}, {"model": {}}):
        assert not VALID.is_valid({**json.loads(json.dumps(record, default=float)), **change})


def test_the_command(command: Callable, trained: dict[str, Run], tmp_path: Path) -> None:
    run = trained["lungs"]
    chosen = ("--run", run.path, "--device", "cpu")
    file = of(run, 1)[0]
    said = command("predict", file, "--client-report", tmp_path / "out", *chosen)
    assert said.code == 0
    assert f"Report {tmp_path / 'out' / 'index.html'}" in said.err
    folder = fill(tmp_path / "client", [file])
    (folder / "broken.png").write_bytes(b"no image")
    said = command("predict", folder, "--client-report", tmp_path / "bad", *chosen)
    assert said.code == 3
    refused = {
        ("--per-file-json",): "--per-file-json has no effect without --client-report",
        ("--method", "gradcam"): "--method has no effect without --client-report or --dicom-sc",
        ("--client-report", tmp_path / "n", "--out", "a.csv"): "--out is for a table",
        ("--client-report", tmp_path / "n", "--skip-bad"): "--skip-bad has no effect",
        ("--client-report", tmp_path / "n", "--dicom-sr", tmp_path / "n"): "folders of their own",
    }
    for options, sentence in refused.items():
        said = command("predict", file, *chosen, *options)
        assert said.code == 1
        assert sentence in said.err


def test_every_key_is_documented() -> None:
    page = (Path(__file__).parents[2] / "docs/reference/client-report.md").read_text()

    def keys(node: object) -> set[str]:
        if isinstance(node, list):
            return set().union(*map(keys, node), set())
        if not isinstance(node, dict):
            return set()
        own = set(node["properties"]) if isinstance(node.get("properties"), dict) else set()
        return own.union(*map(keys, node.values()))

    assert {key for key in keys(schema()) if f"`{key}`" not in page} == set()

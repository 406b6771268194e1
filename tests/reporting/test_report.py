"""Reports of tiny runs: their order, their numbers, and what must not stand in them."""

import io
import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_predictions import predictions
from matplotlib.text import Text
from pages import read, rows
from PIL import Image

import fastmed
from fastmed.data.tables import write_table
from fastmed.errors import RunError
from fastmed.files import read_json, write_json
from fastmed.reporting.model_card import plain
from fastmed.reporting.sections import SECTIONS
from fastmed.reporting.sections.subgroups import subgroups
from fastmed.reporting.story import tell
from fastmed.reporting.words import percent, plain_number, told
from fastmed.results.figures.heatmaps import bare_heatmap_figure
from fastmed.results.figures.style import save
from fastmed.results.maps.embedding_files import weights_digest
from fastmed.results.scores.asked import Asked, asked_scores
from fastmed.run import Run

CANARY = "CANARY"
MARKUP = "<script>alert(1)</script>"
HOSTILE = ["{{7*7}} < 50 & more", "](javascript:alert(1)) | `x`", '"><$a$']  # as classes may be
ORDER = [
    "verdict", "data", "audit", "training", "performance", "calibration", "subgroups", "errors",
    "heatmaps", "limits", "checklists", "provenance",
]  # fmt: skip


class Reader(HTMLParser):
    """Collects elements, attributes and text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict]:
        return [attributes for name, attributes in self.elements if name == tag]


def with_test_part(run: Run, **more: object) -> Run:
    """Let the validation part stand as a test part, too."""
    file = run.path / "scores.json"
    scores = read_json(file)
    write_json(file, {**scores, "test": {**scores["valid"], "test_uses": 1, **more}})
    shutil.copy(run.predictions_file("valid"), run.predictions_file("test"))
    return run


@pytest.fixture(scope="module")
def written(trained: dict[str, Run], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of a grading task with a report of its test part."""
    source = trained["retinopathy"]
    path = tmp_path_factory.mktemp("report") / "runs" / "retinopathy" / "first"
    run = Run.open(shutil.copytree(source.path, path))
    run.update(data=str(source.data))
    page = fastmed.write_report(with_test_part(run))
    assert page == path / "report" / "index.html"
    return path


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures are made, but not drawn, for tests of what stands around them: that is quicker."""
    file = io.BytesIO()
    Image.new("RGB", (1, 1)).save(file, "PNG")
    monkeypatch.setattr("fastmed.reporting.drawing.png_of", lambda figure, dpi: file.getvalue())


@pytest.fixture(scope="module")
def page(written: Path) -> Reader:
    return Reader((written / "report" / "index.html").read_text(encoding="utf-8"))


def test_sections_stand_in_the_order_of_a_readers_questions(written: Path, page: Reader) -> None:
    names = [section["id"] for section in page.all("section")]
    assert names == ["remarks", *ORDER]
    assert read_json(written / "report" / "report.json")["sections"] == ORDER
    assert len(SECTIONS) == len(ORDER) + 1  # and the runs of a family


def test_numbers_are_those_of_the_scores(written: Path, page: Reader) -> None:
    scores = read_json(written / "scores.json")["test"]
    report = read_json(written / "report" / "report.json")
    assert (report["part"], report["optimistic"]) == ("test", False)
    for one in report["headlines"]:
        value, limits = scores["overall"][one["score"]], scores["intervals"]["overall"]
        assert one["value"] == value
        assert [one["low"], one["high"]] == (limits[one["score"]] or [None, None])
        assert told(one["score"], value, limits[one["score"]]) in page.text
    assert "macro_f1" not in {one["score"] for one in report["headlines"]}
    for name, value in scores["overall"].items():
        assert value is None or f"{value:.3f}" in page.text, name
    wrong = int(
        (pd.read_csv(written / "predictions" / "test.csv").eval("target != predicted")).sum()
    )
    assert f"{wrong} of {scores['n']} images" in page.text


def test_images_are_told_by_their_row(written: Path) -> None:
    table = pd.read_csv(written / "predictions" / "test.csv")
    for one in read_json(written / "report" / "report.json")["errors"]["largest_losses"]:
        row = table.iloc[one["row"] - 1]
        assert (row["target"], row["predicted"]) == (one["true"], one["predicted"])
        assert row["loss"] == pytest.approx(one["loss"])


def test_page_is_whole_and_runs_nothing(page: Reader) -> None:
    (policy,) = [one["content"] for one in page.all("meta") if "http-equiv" in one]
    assert policy == "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    for tag, attributes in page.elements:
        assert tag not in {"script", "link", "iframe", "object", "form"}
        assert not [name for name in attributes if name.startswith("on")]
        assert "src" not in attributes or attributes["src"].startswith("data:image/")
    images = page.all("img")
    assert len(images) > 15
    assert all(image["alt"] for image in images)
    names = {section["id"] for section in page.all("section")}
    assert {link["href"].removeprefix("#") for link in page.all("a")} <= names


def test_model_card_has_the_usual_parts(written: Path) -> None:
    text = (written / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == [
        "Model details", "Intended use", "Factors", "Metrics", "Evaluation data", "Training data",
        "Quantitative analyses", "Ethical considerations", "Caveats and recommendations",
    ]  # fmt: skip
    assert "not a medical device" in text
    assert "not told yet" in text


def test_documented_keys_are_those_that_are_written(written: Path) -> None:
    report = read_json(written / "report" / "report.json")
    page = read("docs/reference/report.md")
    documented = {*rows(page[page.index("## report.json") : page.index("## A comparison")])}
    found = paths({name: report[name] for name in report if name not in {"card", "checklists"}})
    assert found - documented == set()
    assert documented - found - {"card", "checklists"} <= {
        f"heatmaps.{name}" for name in ("row", "method", "reason", "true", "predicted", "explained")
    }


def paths(node: object, above: str = "") -> set[str]:
    if isinstance(node, list):
        return {path for one in node for path in paths(one, above)} | ({above} if above else set())
    if not isinstance(node, dict):
        return {above}
    found = {
        path for key, one in node.items() for path in paths(one, f"{above}.{key}" if above else key)
    }
    return found | ({above} if above else set())


@pytest.mark.usefixtures("undrawn")
def test_validation_part_is_told_under_a_warning(own_run: Callable[[str], Run]) -> None:
    run = own_run("lungs")
    page = Reader(fastmed.write_report(run).read_text(encoding="utf-8"))
    assert "optimistic" in page.text
    assert page.all("li")[0]["class"] == "error"
    with pytest.raises(RunError, match="no scores of 'test'; it has 'valid'"):
        fastmed.write_report(run, split="test")


@pytest.mark.usefixtures("undrawn")
def test_hostile_names_do_no_harm(own_run: Callable[[str], Run]) -> None:
    run = own_run("lungs")
    names = dict(zip(run.task.classes, HOSTILE, strict=True))
    for file in (run.path / "task.json", run.path / "scores.json", run.path / "run.json"):
        write_json(file, renamed(read_json(file), names))
    for name in ("items.csv", "predictions/valid.csv"):
        table = pd.read_csv(run.path / name, keep_default_na=False)
        table = table.replace(names).rename(
            columns={f"score_{a}": f"score_{b}" for a, b in names.items()}
        )
        write_table(table, run.path / name)
    (run.path / "calibration.csv").unlink()
    (run.path / "card.toml").write_text('[card]\nintended_use = "<img src=x onerror=alert(1)>"\n')
    found = {"id": "=1+1", "severity": "ERROR", "title": MARKUP, "sentence": f"{MARKUP}\u202e"}
    Run.open(run.path).update(audit={"findings": [found]})
    folder = fastmed.write_report(run.path).parent
    page = Reader((folder / "index.html").read_text(encoding="utf-8"))
    for name in (*HOSTILE, MARKUP, "=1+1"):
        assert name in page.text
    assert "\u202e" not in page.text
    assert not [tag for tag, _ in page.elements if tag == "script"]
    assert not [one for one in page.all("img") if not one["src"].startswith("data:image/")]
    card = (run.path / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "<script" not in card
    assert "<img" not in card
    assert plain(f"{HOSTILE[1]}\u202e") == r"\](javascript:alert(1)) \| \`x\`\\u202e"


def renamed(node: object, names: dict[str, str]) -> object:
    if isinstance(node, dict):
        return {names.get(key, key): renamed(one, names) for key, one in node.items()}
    if isinstance(node, list):
        return [renamed(one, names) for one in node]
    return names.get(node, node) if isinstance(node, str) else node


@pytest.mark.usefixtures("undrawn")
def test_no_name_of_an_image_or_a_patient(own_run: Callable[[str], Run]) -> None:
    """Nor of another set; an image that is gone is told by its row all the same."""
    run = own_run("pneumonia")
    for name in ("items.csv", "predictions/valid.csv"):
        table = pd.read_csv(run.path / name, keep_default_na=False)
        for column in {"item", "image", "group"} & {*table.columns}:
            table[column] = [f"{CANARY}-{column}-{value}" for value in table[column]]
        write_table(table, run.path / name)
    scores = read_json(run.path / "scores.json")
    write_json(run.path / "scores.json", {**scores, f"{CANARY}-clinic": scores["valid"]})
    shutil.copy(run.predictions_file("valid"), run.predictions_file(f"{CANARY}-clinic"))
    folder = fastmed.write_report(run.path, split=f"{CANARY}-clinic").parent
    for file in (folder / "index.html", folder / "report.json", run.path / "MODEL_CARD.md"):
        text = file.read_text(encoding="utf-8")
        assert CANARY not in text
        assert str(run.path.parent) not in text
    assert read_json(folder / "report.json")["part"] == "external-1"
    page = Reader((folder / "index.html").read_text(encoding="utf-8"))
    assert "no more where the run found them" in page.text
    assert read_json(folder / "report.json")["errors"]["largest_losses"]


@pytest.mark.usefixtures("undrawn")
def test_heat_maps_that_are_there_are_shown(own_run: Callable[[str], Run]) -> None:
    run = own_run("lungs")
    row = run.predictions("valid").iloc[3]
    figure = bare_heatmap_figure(np.zeros((32, 32), np.uint8), np.eye(32), explained="other")
    assert row["item"] not in " ".join(text.get_text() for text in figure.findobj(Text))
    save(figure, run.path / "heatmaps" / "unnamed" / "valid_gradcam_001.png")
    index = {"file": "valid_gradcam_001.png", "split": "valid", "method": "gradcam",
             "reason": "largest loss", "item": row["item"], "target": row["target"],
             "predicted": row["predicted"], "explained": "other"}  # fmt: skip
    write_table(pd.DataFrame([index]), run.path / "heatmaps" / "index.csv")
    folder = fastmed.write_report(run).parent
    (found,) = read_json(folder / "report.json")["heatmaps"]
    assert found["row"] == 4
    assert "row 4 (largest loss)" in Reader((folder / "index.html").read_text("utf-8")).text
    earlier = run.path / "heatmaps" / "valid_gradcam_001.png"
    (run.path / "heatmaps" / "unnamed" / earlier.name).replace(earlier)
    page = Reader(fastmed.write_report(run).read_text("utf-8"))
    assert "1 heat map that an earlier version drew" in page.text
    assert read_json(folder / "report.json")["heatmaps"] == []


@pytest.mark.slow
@pytest.mark.usefixtures("undrawn")
def test_embedding_map_is_shown_with_the_weights_it_is_of(own_run: Callable[[str], Run]) -> None:
    run = own_run("histology")
    write_embedding(run)
    page = Reader(fastmed.write_report(run).read_text("utf-8"))
    assert "Images as the network sees them" in page.text
    run.weights.write_bytes(run.weights.read_bytes() + b" ")
    page = Reader(fastmed.write_report(run).read_text("utf-8"))
    assert "Images as the network sees them" not in page.text
    run.weights.unlink()
    (run.path / "embedding" / "valid.csv").write_text("item,x,y\na,1,=1+1\n")
    with pytest.raises(RunError, match="places that are not numbers"):
        fastmed.write_report(run)


def write_embedding(run: Run) -> None:
    table = run.predictions("valid")[["item"]].assign(x=1.5, y=range(len(run.predictions("valid"))))
    write_table(table, run.path / "embedding" / "valid.csv")
    shares = {"kept": 0.9, "perplexity": 3.0, "trustworthiness": 0.9, "agrees": 0.5}
    counts = {"of": len(table), "seed": 0, "features": 8, "components": 4, "neighbours": 3}
    facts = {**shares, **counts, "by_chance": 0.3, "weights_sha256": weights_digest(run)}
    write_json(run.path / "embedding" / "valid.json", facts)


@pytest.mark.usefixtures("undrawn")
def test_report_of_a_run_that_was_never_evaluated(own_run: Callable[[str], Run]) -> None:
    run = own_run("cardiomegaly")
    (run.path / "scores.json").unlink()
    (run.path / "history.csv").unlink()
    page = Reader(fastmed.write_report(run.path).read_text(encoding="utf-8"))
    assert "no part has been evaluated" in page.text
    assert "error" in {one["class"] for one in page.all("li")}
    assert read_json(run.path / "report" / "report.json")["part"] is None


@pytest.mark.usefixtures("undrawn")
def test_subgroups_are_told_and_small_ones_only_counted(own_run: Callable[[str], Run]) -> None:
    run = own_run("pneumonia")
    story = tell(run)
    assert "nobody knows" in subgroups(story).paragraphs[0]
    table = pd.concat([story.predictions] * 4, ignore_index=True)
    table["item"] = table["group"] = [str(number) for number in range(len(table))]
    sex = pd.DataFrame({"item": table["item"], "meta_sex": np.where(table.index % 4, "F", "M")})
    sex.loc[:1, "meta_sex"] = "X"
    found = asked_scores(run.task, table, Asked(by=("sex",)), sex)
    section = subgroups(replace(story, scores=found))
    own = found["subgroups"]["sex"]["groups"][0]
    assert section.tables[0].rows[0][:3] == [own["name"], str(own["n"]), str(own["patients"])]
    assert "1 subgroups with 2 patients" in " ".join(section.paragraphs)


@pytest.mark.usefixtures("undrawn")
def test_report_of_a_family(own_run: Callable[[str], Run], tmp_path: Path) -> None:
    folder, run = tmp_path / "folds", own_run("lungs")
    members = [{"name": f"fold-{n}", "fold": n} for n in range(2)]
    for member in members:
        shutil.copytree(run.path, folder / str(member["name"]))
    info = {"kind": "folds", "members": members, "data": str(run.data), "status": "done"}
    write_json(folder / "family.json", info)
    shutil.copy(run.path / "task.json", folder)
    fold = np.arange(len(run.items)) % 2
    write_table(run.items.assign(split="train", fold=fold), folder / "items.csv")
    (folder / "predictions").mkdir()
    shutil.copy(run.predictions_file("valid"), folder / "predictions" / "out-of-fold.csv")
    row = {"network": "", "part": "test", "score": "auroc", "runs": 2, "mean": 0.75, "sd": 0.1}
    write_json(folder / "summary.json", [row])
    page = Reader(fastmed.write_report(folder).read_text(encoding="utf-8"))
    assert [one["id"] for one in page.all("section")] == ["remarks", *ORDER[:4], "runs", *ORDER[4:]]
    assert "each judged by a model that was not trained on it" in page.text
    valid = read_json(run.path / "scores.json")["valid"]["overall"]["accuracy"]
    assert f"{valid:.3f}" in page.text
    with pytest.raises(RunError, match="family"):
        fastmed.write_report(folder, heatmaps=2)


@pytest.mark.usefixtures("undrawn")
def test_report_of_a_comparison(own_run: Callable[[str], Run], tmp_path: Path) -> None:
    run = own_run("lungs")
    other = Run.open(shutil.copytree(run.path, run.path.with_name("second")))
    page = fastmed.write_report([run, other], split="valid", out=tmp_path / "both")
    found = read_json(tmp_path / "both" / "report.json")
    assert found["kind"] == "comparison"
    assert {*found["cards"]} == {"first", "second"}
    assert found["sections"] == ["verdict", "differences", "curves", "runs", "limits"]
    assert all(not one["difference"] for one in found["comparison"]["differences"])
    assert "not clearly better or worse" in Reader(page.read_text(encoding="utf-8")).text
    with pytest.raises(RunError, match="of one run"):
        fastmed.write_report([run, other], split="valid", heatmaps=2)


def test_command_refuses_what_would_be_lost(
    command: Callable, own_run: Callable[[str], Run]
) -> None:
    run = own_run("histology")
    folder = run.path.parent / "mine"
    folder.mkdir()
    (folder / "notes.txt").touch()
    said = command("report", run.path, "--out", folder)
    assert said.code == 1
    assert "notes.txt" in said.err
    assert command("report", run.path, "--checklist", "clam").err.count("did you mean 'claim'") == 1
    assert "no effect" in command("report", run.path, "--device", "cpu").err
    assert not (run.path / "report").exists()


def test_shares_are_not_rounded_to_certainty() -> None:
    assert percent(0.9996) == ">99.9%"
    assert percent(0.997, [0.991, 1]) == "99.7% (99% to 100%)"
    assert percent(0) == "0%"
    assert plain_number(0.9974) == "0.997"
    assert plain_number(None) == "-"


@pytest.mark.slow
def test_report_loads_no_torch(trained: dict[str, Run], tmp_path: Path) -> None:
    place = str(trained["lungs"].path), str(tmp_path / "out")
    code = f"import sys, fastmed; fastmed.write_report({place[0]!r}, out={place[1]!r})"
    code += "; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.slow
def test_large_report_is_quick_and_small(own_run: Callable[[str], Run]) -> None:
    """10,000 predictions: under 20 s, under 5 MB."""
    run = own_run("lungs")
    classes = list(run.task.classes)
    table = predictions(classes, 5000, images=2)
    true = [classes.index(name) for name in table["target"]]
    own = table[[f"score_{name}" for name in classes]].to_numpy()[range(len(table)), true]
    table["loss"], table["split"] = -np.log(np.maximum(own, 1e-9)), "test"
    write_table(table.drop(columns=["value", "grade"]), run.predictions_file("test"))
    file = run.path / "scores.json"
    write_json(file, {**read_json(file), "test": asked_scores(run.task, table)})
    start = time.process_time()  # others may be at work on the machine
    page = fastmed.write_report(run.path)
    assert time.process_time() - start < 20
    assert page.stat().st_size < 5_000_000
    assert "<svg" not in page.read_text(encoding="utf-8")
    assert tell(run).label == "test"
    assert (
        json.loads((page.parent / "report.json").read_text())["card"]["results"]["sets"]["test"][
            "n"
        ]
        == 10_000
    )

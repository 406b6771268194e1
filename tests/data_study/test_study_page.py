"""The page: whole, self-contained, and with nothing in it that a browser would run."""

import base64
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_study import made_study, made_task
from PIL import Image

from fastmed.data_study.page import page_of
from fastmed.errors import RunError

HOSTILE = ("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{7*7}}", "{% raw %}",
           "\u202egpj.exe", "$x^{2", "&amp;", "=1+1", "a\nb")  # fmt: skip


class Reader(HTMLParser):
    """Collects elements, attributes and text of a page, and checks that elements are closed."""

    VOID = ("meta", "img", "br")

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] not in (["style"], ["script"]):
            self.text += data

    def all(self, tag: str) -> list[dict]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def hostile() -> Reader:
    """The page of a study in which everything that can be named has a hostile name."""
    task = made_task(
        title="Title {{7*7}} & <b>", classes=["{{7*7}}", '"><', "$a_b$ & co"], image={"size": 16}
    )
    view = [HOSTILE[n % len(HOSTILE)] for n in range(300)]
    split = np.where(np.arange(300) % 7 == 0, "left_out", "train")
    note = np.where(np.arange(300) % 7 == 0, HOSTILE[0], "")
    columns = {"meta_view": view, "kind": view, "suffix": view, "split": split, "note": note}
    return Reader(page_of(made_study(task, **columns)))


def test_page_is_well_formed(hostile: Reader) -> None:
    assert hostile.open == []


def test_nothing_runs_and_nothing_is_fetched(hostile: Reader) -> None:
    allowed = {"html", "head", "meta", "title", "style", "body", "header", "main", "footer", "nav"}
    allowed |= {"section", "figure", "img", "table", "caption", "thead", "tbody", "tr", "th", "td"}
    allowed |= {"h1", "h2", "h3", "p", "ul", "li", "b", "bdi", "a", "div", "span", "dl", "dt", "dd"}
    allowed |= {"details", "summary"}
    assert {tag for tag, _ in hostile.elements} <= allowed
    for tag, attributes in hostile.elements:
        assert not [name for name in attributes if name.startswith("on")]
        assert tag != "img" or attributes["src"].startswith("data:image/")
        assert tag != "a" or attributes["href"].startswith("#")
    (policy,) = [m["content"] for m in hostile.all("meta") if "http-equiv" in m]
    assert policy == "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def test_hostile_names_are_shown_as_they_stand(hostile: Reader) -> None:
    for name in HOSTILE:
        shown = name.replace("\u202e", r"\u202e").replace("\n", r"\n")
        assert shown in hostile.text
    assert "49" not in re.findall(r"Title .*?&", hostile.text)[0]
    assert "\u202e" not in hostile.text
    assert any(image.get("alt", "").startswith('"><, sample') for image in hostile.all("img"))


def test_links_lead_to_sections(hostile: Reader) -> None:
    names = {section["id"] for section in hostile.all("section")}
    assert {link["href"][1:] for link in hostile.all("a")} == names


def test_pictures_are_whole(hostile: Reader) -> None:
    images = hostile.all("img")
    assert len(images) > 6
    for image in images:
        kind, content = image["src"].removeprefix("data:image/").split(";base64,")
        with Image.open(io.BytesIO(base64.b64decode(content))) as picture:
            picture.load()
            assert picture.format.lower() == kind
        assert image["alt"]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a study that took the place of another one."""
    folder = tmp_path_factory.mktemp("study") / "out"
    (folder / "figures").mkdir(parents=True)
    (folder / "figures" / "by-older.png").touch()
    columns = {"meta_sex": ["F"] * 60 + ["M"] * 40 + ["F"] * 100, "meta_view": ["=1+1", "@x"] * 100}
    group = [f"patient-{n}" for n in range(200)]
    page = made_study(**columns, group=group, by=("format",)).write(folder)
    assert page == folder / "index.html"
    return folder


def test_folder_holds_page_figures_and_tables(written: Path) -> None:
    files = {path.relative_to(written).as_posix() for path in written.rglob("*.*")}
    assert files == {
        "index.html", "study.json",
        *(f"figures/{name}.png" for name in
          ("classes", "samples", "intensity", "by-meta_sex", "by-meta_view", "by-format")),
        *(f"tables/{name}.csv" for name in
          ("classes", "sizes", "readers", "associations", "by_meta_sex",
           "by_meta_view", "by_format")),
    }  # fmt: skip
    for file in (written / "figures").iterdir():
        with Image.open(file) as figure:
            figure.load()
    told = json.loads((written / "study.json").read_text())
    assert told["counts"]["train"] == {"no": 80, "yes": 80}
    assert "200 patients are known, each with one image." in {
        remark["text"] for remark in told["remarks"]
    }


def test_names_of_files_patients_and_folders_stay_out(written: Path) -> None:
    for file in written.rglob("*.*"):
        content = file.read_bytes() if file.is_file() else b""
        for secret in ("patient-", "0001.png", "a.png", "b.png", str(written)):
            assert secret.encode() not in content


def test_page_is_for_light_and_dark_screens_and_for_paper(written: Path) -> None:
    page = (written / "index.html").read_text(encoding="utf-8")
    assert "@media screen and (prefers-color-scheme: dark)" in page
    assert "@media print" in page
    scheme = {"name": "color-scheme", "content": "light dark"}
    assert scheme in Reader(page).all("meta")


def test_what_does_not_vary_is_one_sentence(written: Path) -> None:
    text = Reader((written / "index.html").read_text(encoding="utf-8")).text
    assert "All files: PNG, grey, 8 bits." in text
    assert "Each patient has 1 image of a class." in text


def test_tables_say_what_the_figures_show(written: Path) -> None:
    table = pd.read_csv(written / "tables" / "by_meta_sex.csv")
    assert table.to_numpy().tolist() == [
        ["F", "60 (60%)", "100 (100%)"], ["M", "40 (40%)", "0 (0%)"], ["all", "100", "100"],
    ]  # fmt: skip


def test_tables_are_harmless_to_spreadsheets(written: Path) -> None:
    text = (written / "tables" / "by_meta_view.csv").read_text()
    assert [line[:2] for line in text.splitlines()[1:3]] == ["'=", "'@"]


def test_nothing_half_written_is_left(written: Path) -> None:
    assert [path.name for path in written.parent.iterdir()] == ["out"]


def test_folder_with_anything_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(RunError, match=r"holds 'notes.txt', which is not of a data study"):
        made_study().write(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_notebooks_show_the_page_in_a_frame_of_its_own() -> None:
    study = made_study()
    frame = Reader(study._repr_html_())
    ((tag, attributes),) = frame.elements
    assert tag == "iframe"
    assert attributes["sandbox"] is None
    assert "<h1>" in attributes["srcdoc"]

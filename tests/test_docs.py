"""The docs keep to the code: commands, settings, tables, links and snippets."""

import functools
import importlib.util
import json
import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Literal, get_args, get_origin

import matplotlib.pyplot as plt
import pytest
import tomli_w
import typer
from conftest import tiny_task
from pages import (
    PAGES,
    ROOT,
    anchors,
    blocks,
    command_lines,
    fastmed_lines,
    prose,
    read,
    rows,
    sections,
)
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from typer.testing import CliRunner

import fastmed
from fastmed.cli import app
from fastmed.cli.commands import every_command
from fastmed.data.tables import ITEM_DEFAULTS
from fastmed.demo.phantoms import write_phantom
from fastmed.run import Run
from fastmed.settings import image, sources
from fastmed.task import Task
from fastmed.taskfile import load_tasks, packed_file

BUILT_IN = list(load_tasks(packed_file()))
PARTS = {name: field.annotation for name, field in Task.model_fields.items()}
KINDS = get_args(get_args(sources.AnySource)[0])
MODELS: dict[str, type[BaseModel]] = {
    "task": Task,
    "source": sources.Source,
    "group": sources.Group,
    "normalization": image.Normalization,
    "operation": image.Operation,
    "window": image.Window,
    **{get_args(kind.model_fields["kind"].annotation)[0]: kind for kind in KINDS},
    **{name: part for name, part in PARTS.items() if isinstance(part, type(BaseModel))},
}
SAMPLE = """
title = "A task that fragments are tried in"
goal = "category"
classes = ["normal", "nodule"]
source = { kind = "folders" }
"""
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


@pytest.fixture(scope="module")
def declared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A task file with every task that the docs declare."""
    found: dict = {}
    for page in PAGES:
        for block in blocks(read(page), "toml"):
            if "title" in block:
                found |= tomllib.loads(block)
    file = tmp_path_factory.mktemp("docs") / "tasks.toml"
    file.write_text(tomli_w.dumps(found), encoding="utf-8")
    return file


# The command line


@functools.cache
def make_cli() -> ModuleType:
    file = ROOT / "docs" / "reference" / "make_cli.py"
    spec = importlib.util.spec_from_file_location("make_cli", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_page_of_the_command_line_is_up_to_date() -> None:
    maker = make_cli()
    assert read(maker.PAGE) == maker.page(), "run `python docs/reference/make_cli.py`"


@pytest.mark.parametrize("info", every_command(), ids=lambda info: info.callback.__name__)
def test_page_of_the_command_line_has_every_option(info: typer.models.CommandInfo) -> None:
    name = make_cli().name_of(info)
    text = CliRunner().invoke(app, [name, "--help"], env={"COLUMNS": "200"}).output
    documented = rows(sections(read("docs/reference/cli.md"))[f"fastmed {name}"])
    options = {name for option in documented for name in re.findall(r"--[a-z][a-z-]+", option)}
    offered = set(re.findall(r"^│ (?:[*] +)?(--[a-z][a-z-]+)", text, re.MULTILINE))
    assert offered <= options | {"--help"} <= set(re.findall(r"--[a-z][a-z-]+", text))


@pytest.fixture(scope="module")
def parse() -> Callable[[list[str]], int]:
    """Parse the words of a command as `fastmed` does, doing nothing; returns the exit code."""
    dry = typer.Typer(context_settings={"help_option_names": ["-h", "--help"]})
    dry.callback()(functools.wraps(app.registered_callback.callback)(lambda **values: None))
    for info in every_command():
        idle = functools.wraps(info.callback)(lambda **values: None)
        dry.command(make_cli().name_of(info))(idle)
    return lambda words: CliRunner().invoke(dry, words).exit_code


@pytest.mark.parametrize("line", [
    "trian lungs", "train", "train lungs --eposchs 3", "train lungs --epochs x", "train lungs more",
    "predict images --competition letter", "interpret --losses 0", "runs --runs",
])  # fmt: skip
def test_parsing_refuses_what_is_wrong(parse: Callable, line: str) -> None:
    assert parse(line.split()) == 2


@every_page
def test_commands_exist_with_their_options(page: Path, parse: Callable) -> None:
    wrong = [words for words in fastmed_lines(read(page)) if parse(words) != 0]
    assert wrong == []


@every_page
def test_targets_and_scripts_exist(page: Path) -> None:
    targets = re.findall(r"^([a-z-]+):", read("Makefile"), re.MULTILINE)
    for words in command_lines(read(page)):
        if words[:1] == ["make"]:
            assert words[1] in targets
        if words[:1] == ["python"] and words[1].endswith(".py"):
            assert (ROOT / words[1]).is_file()


@every_page
def test_trainings_have_valid_settings(
    page: Path, declared: Path, command: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every training that is shown is valid, or its error is shown, too."""
    for name in ("compare_meta", "train_family"):  # loaded with the real `train`
        monkeypatch.setattr(f"fastmed.families.{name}", lambda task, *_, **__: task)
    monkeypatch.setattr("fastmed.training.train.train", lambda task, *_, **__: task)
    monkeypatch.setattr("fastmed.cli.tables.print_training", lambda task: None)
    for name in ("print_meta", "print_family"):
        monkeypatch.setattr(f"fastmed.cli.families.{name}", lambda task: None)
    text = read(page).replace(" TASK`", " lungs`")
    for words in fastmed_lines(text):
        if words[0] != "train" or "--help" in words:
            continue
        said = command(*words, "--tasks", declared)
        assert said.code == 0 or said.err in text, said.err


# Tasks


@pytest.mark.parametrize("name", MODELS)
def test_settings_are_documented(name: str) -> None:
    """Names, defaults and choices, each setting in the section of its part."""
    fields = dict(MODELS[name].model_fields)
    if name == "source":
        fields["kind"] = sources.FoldersSource.model_fields["kind"]
    elif issubclass(MODELS[name], sources.Source):
        fields = {key: fields[key] for key in fields if key not in ("kind", "group", "rename")}
    elif name == "task":
        del fields["name"]
    documented = rows(sections(read("docs/reference/tasks.md"))[name])
    assert list(documented) == sorted(fields, key=[*documented, *fields].index)
    for setting, (kind, default, meaning) in documented.items():
        assert meaning
        assert default == shown_default(fields[setting])
        for choice in choices(fields[setting].annotation):
            assert f"`{choice}`" in kind


def shown_default(field: FieldInfo) -> str:
    value = None if field.is_required() else field.get_default(call_default_factory=True)
    if isinstance(value, BaseModel):
        return ""
    return "-" if value is None else f"`{json.dumps(value)}`"


def choices(annotation: object) -> Iterator[str]:
    if get_origin(annotation) is Literal:
        yield from get_args(annotation)
    for part in get_args(annotation):
        yield from choices(part)


@pytest.mark.parametrize("name", BUILT_IN)
def test_built_in_tasks_are_documented(name: str) -> None:
    assert ["train", name] in fastmed_lines(read("README.md"))
    assert name in sections(read("docs/reference/built-in-tasks.md"))


@every_page
def test_tasks_load(page: Path, tmp_path: Path) -> None:
    """A block of TOML is a task, or settings that a sample task takes."""
    file = tmp_path / "tasks.toml"
    for block in blocks(read(page), "toml"):
        content = tomllib.loads(block)
        if "title" not in block:
            content = {"sample": tomllib.loads(SAMPLE) | content}
        file.write_text(tomli_w.dumps(content), encoding="utf-8")
        assert load_tasks(file).keys() == {*BUILT_IN, *content}


# Runs and tables


def test_files_and_keys_of_a_run_are_documented(trained: dict[str, Run]) -> None:
    text = read("docs/reference/run-folder.md")
    for run in trained.values():
        files = [path for path in run.path.rglob("*") if path.is_file()]
        paths = {path.relative_to(run.path).as_posix() for path in files}
        names = {re.sub(r"epoch-\d+", "epoch-NN", path) for path in paths}
        assert {name for name in names if f"`{name}`" not in text} == set()
        assert {key for key in run.info if f"`{key}`" not in text} == set()


def test_columns_are_documented(trained: dict[str, Run]) -> None:
    found = sections(read("docs/reference/tables.md"))
    assert list(rows(found["items"])) == list(trained["pneumonia"].items.columns)
    assert set(ITEM_DEFAULTS) < set(rows(found["items"]))
    columns = {
        re.sub("^score_.*", "score_CLASS", column)
        for name in ("lungs", "retinopathy")
        for column in trained[name].predictions("valid").columns
    }
    assert set(rows(found["predictions"])) == columns | {"unlike", "distance"}


def test_public_names_are_documented() -> None:
    text = read("docs/reference/api.md")
    shown = re.findall(r"^::: (fastmed[\w.]+)$", text, re.MULTILINE)
    places = {f"{getattr(fastmed, name).__module__}.{name}" for name in fastmed.__all__}
    assert places <= set(shown)


def test_changelog_knows_the_version() -> None:
    assert fastmed.__version__ in read("CHANGELOG.md")


# Links and snippets


@every_page
def test_links_resolve(page: Path) -> None:
    for link in re.findall(r"\]\(([^)]+)\)", prose(read(page))):
        path, _, anchor = link.partition("#")
        if path.startswith("http"):
            continue
        target = page.parent / path if path else page
        assert target.is_file(), link
        assert not anchor or anchor in anchors(target), link


@every_page
def test_named_files_exist(page: Path) -> None:
    for name in re.findall(r"`((?:fastmed|tests|docs|benchmarks)/[\w./-]*)`", prose(read(page))):
        assert (ROOT / name).exists(), name


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as the docs assume it: data of the task lungs, and a run with a test part."""
    place = tmp_path_factory.mktemp("workplace")
    write_phantom("lungs", place / "data" / "lungs", count=320, size=32)
    task = tiny_task("lungs", split__test=0.2)
    fastmed.train(task, place / "data" / "lungs", runs=place / "runs", name="first", workers=0)
    return place


LONG = {"audit-data", "explain", "find-a-learning-rate", "several-trainings", "tune"}


def with_python() -> Iterator[object]:
    for page in PAGES:
        code = "".join(blocks(read(page), "python"))
        marks = [pytest.mark.slow] if page.stem in LONG else []
        if code:
            yield pytest.param(code, marks=marks, id=page.stem)


@pytest.mark.parametrize("code", [*with_python()])
def test_python_runs(code: str, workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a page shows runs from top to bottom, as in one notebook."""
    monkeypatch.chdir(workplace)
    exec(compile(code, "docs", "exec"), {})
    plt.close("all")

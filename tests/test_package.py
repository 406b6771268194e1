import inspect
import json
import os
import subprocess
import sys
from importlib import metadata

import pytest

import fastmed

LOADED = """
import json, sys
{statement}
print(json.dumps(sorted({{name.partition(".")[0] for name in sys.modules}})))
"""
HEAVY = {"torch", "torchvision", "fastai", "timm", "numpy", "pandas", "sklearn", "matplotlib"}


def loaded_by(statement: str) -> set[str]:
    """Return the top-level modules that a new Python holds after a statement."""
    program = LOADED.format(statement=statement)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_import_of_fastmed_loads_nothing_heavy() -> None:
    assert not loaded_by("import fastmed") & HEAVY


@pytest.mark.parametrize(("given", "found"), [(None, "1"), ("0", "0")])
def test_memory_comes_in_large_pages_unless_the_user_says_otherwise(
    given: str | None, found: str
) -> None:
    program = "import os, fastmed.learn; print(os.environ['THP_MEM_ALLOC_ENABLE'])"
    environment = {k: v for k, v in os.environ.items() if k != "THP_MEM_ALLOC_ENABLE"}
    environment |= {} if given is None else {"THP_MEM_ALLOC_ENABLE": given}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == found


def test_names_that_need_no_torch_load_none() -> None:
    statement = "from fastmed import FastmedError, Run, Task, find_task, load_tasks, read_items"
    assert not loaded_by(statement) & {"torch", "torchvision", "fastai", "timm"}


@pytest.mark.parametrize("name", fastmed.__all__)
def test_every_public_name_is_there_and_documented(name: str) -> None:
    public = getattr(fastmed, name)
    first = (inspect.getdoc(public) or "").partition("\n")[0]
    assert first.endswith((".", ":"))
    assert name in dir(fastmed)
    assert public.__module__.startswith("fastmed.")


def test_every_public_function_documents_each_argument() -> None:
    for name in ("train", "predict", "interpret", "learner", "dataloaders"):
        function = getattr(fastmed, name)
        told = inspect.getdoc(function).partition("Args:")[2]
        for argument in inspect.signature(function).parameters:
            assert f"{argument}:" in told, f"{name} says nothing of {argument}"


def test_typing_sees_the_names_that_are_loaded_lazily() -> None:
    source = inspect.getsource(fastmed)
    for name in fastmed.__all__:
        assert f"import {name} as {name}" in source


def test_unknown_names_are_attribute_errors() -> None:
    with pytest.raises(AttributeError, match="module 'fastmed' has no attribute 'trian'"):
        _ = fastmed.trian


def test_version_is_the_packages() -> None:
    assert fastmed.__version__ == metadata.version("fastmed")

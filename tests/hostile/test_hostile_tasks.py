"""No task file is taken for what it is not, and no class has a name that another program runs."""

import re
import time
import unicodedata
from pathlib import Path

import pytest
from hostile_tasks import CASES, HARMLESS, task_file

from fastmed.console import visible
from fastmed.errors import TaskError
from fastmed.taskfile import find_task, load_tasks, to_toml

SECONDS = 20
SAYS = {
    "class_empty": "class '' is empty",
    "class_script": "'<script>alert\\(1\\)</script>' would be markup to a browser.*source.rename",
    "class_parent": "'../x' would be a path that leads out",
    "class_device": "'CON' is the name of a device",
    "class_formula": "'=1\\+1' would be a formula to a spreadsheet",
    "class_long": "'x{20}…' has 300 characters, more than 100",
    "class_right_to_left": r"class 'a\\u202eb' is empty, padded or not printable",
    "twins_encodings": "classes 'naïve' and 'naïve' are the same",
    "source_file_above": "'../labels.csv' leads out of the data folder",
    "nested_lists": "nested too deep",
    "nested_tables": "a line has more than 5,000 characters",
    "gigabyte": "has more than 262,144 bytes",
}


@pytest.mark.parametrize("name", CASES)
def test_it_is_refused_at_once_in_one_sentence(name: str, tmp_path: Path) -> None:
    path = CASES[name](tmp_path)
    start = time.process_time()
    with pytest.raises(TaskError) as caught:
        load_tasks(path)
    sentence = str(caught.value)
    assert time.process_time() - start < SECONDS
    assert str(path) in sentence
    assert re.search(SAYS.get(name, ""), sentence), sentence
    assert visible(sentence).isprintable()
    assert len(visible(sentence)) < 1100


def test_names_that_mean_nothing_to_anybody_are_taken_as_they_are(tmp_path: Path) -> None:
    path = task_file(tmp_path, classes=[*HARMLESS])
    assert find_task("mine", path).classes == HARMLESS
    path.write_text(to_toml(find_task("mine", path)), encoding="utf-8")
    assert find_task("mine", path).classes == HARMLESS


def test_accents_are_the_same_however_they_are_encoded(tmp_path: Path) -> None:
    parted = unicodedata.normalize("NFD", "naïve")
    rename = {unicodedata.normalize("NFD", "schräg"): parted}
    source = {"kind": "folders", "rename": rename}
    task = find_task("mine", task_file(tmp_path, classes=[parted, "other"], source=source))
    assert task.classes == ("naïve", "other")
    assert task.source.rename == {"schräg": "naïve"}


@pytest.mark.parametrize("name", ["-1", "+1", "2+", "a-b", "1 < 2", "CONTROL", "T4: x", "a.b"])
def test_honest_names_are_not_refused(name: str, tmp_path: Path) -> None:
    assert find_task("mine", task_file(tmp_path, classes=[name, "x"])).classes[0] == name

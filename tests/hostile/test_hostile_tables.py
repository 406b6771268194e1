"""No table leads out of the data folder, swells its reader, or is read as what it is not."""

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import tiny_task
from hostile_tables import CASES, IMAGE, READ_RIGHT, write_image

from fastmed.data.inputs import read_input
from fastmed.errors import DataError

SECONDS = 5
KILOBYTES = 200_000
SAYS = {
    "parent": r"line 2: '../../etc/passwd' leads out of the data folder",
    "device": "leads out",
    "share": "leads out",
    "escape": r"'a\\x1b\[2J.png' names no image: there are control characters",
    "zero_byte": "line 2 holds a zero byte",
    "utf_16": "is not UTF-8 text",
    "open_quote": "is never closed",
    "long_line": "line 2 has more than 1,000,000 characters",
    "many_columns": "has 20,001 columns",
    "many_cells": "has more than 10,000,000 cells",
    "twice_the_same_column": "several columns named 'image'",
    "formula_as_label": "'=1\\+1' is none of the classes",
    "only_a_line_of_names": "no images",
}


MARKS = {"many_lines": [pytest.mark.slow], "many_cells": [pytest.mark.slow]}


@pytest.mark.parametrize("name", [pytest.param(n, marks=MARKS.get(n, [])) for n in CASES])
def test_it_is_refused_at_once_in_one_sentence(name: str, tmp_path: Path) -> None:
    path = CASES[name](tmp_path)
    there = sorted(tmp_path.iterdir())
    start = time.process_time()
    with pytest.raises(DataError) as caught:
        read_input(tiny_task("lungs"), path)
    assert time.process_time() - start < SECONDS
    sentence = str(caught.value)
    assert path.name in sentence or str(path.parent) in sentence
    assert re.search(SAYS.get(name, ""), sentence), sentence
    assert sorted(tmp_path.iterdir()) == there


@pytest.mark.slow
def test_memory_stays_small(tmp_path: Path) -> None:
    """The peak of a process that reads every case, as the system counts it."""
    pytest.importorskip("resource")
    program = f"""
import resource, sys
from pathlib import Path
sys.path.insert(0, {str(Path(__file__).parent)!r})
from hostile_tables import CASES
from fastmed.data.layouts.sheets import read_sheet
from fastmed.errors import DataError
paths = [write(Path({str(tmp_path)!r})) for write in CASES.values()]
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for path in paths:
    try:
        read_sheet(path)
    except DataError:
        pass
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) // (1 if sys.platform != "darwin" else 1024) < KILOBYTES


@pytest.mark.parametrize("name", READ_RIGHT)
def test_odd_tables_are_read_as_they_were_meant(name: str, tmp_path: Path) -> None:
    write_image(tmp_path / IMAGE)
    (tmp_path / "list.csv").write_bytes(READ_RIGHT[name])
    items = read_input(tiny_task("lungs"), tmp_path / "list.csv")
    assert items[["image", "target"]].to_numpy().tolist() == [[IMAGE, "healthy"]]

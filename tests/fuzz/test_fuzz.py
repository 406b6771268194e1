"""A little of the fuzzing each time; `python tests/fuzz --inputs 10000` is the whole of it."""

import sys
from pathlib import Path

import fuzz_driver
import pytest
from fuzz_edits import KINDS, Edit, applied
from fuzz_readers import read
from fuzz_seeds import NAMES, seed, whole
from fuzz_worker import outcome
from hypothesis import given, settings
from hypothesis import strategies as st

BY_HYPOTHESIS = ("table.csv", "tasks.toml", "inside_stored.npz", "inside.tar.gz", "8bit.dcm")
EDITS = st.builds(
    Edit, st.sampled_from(KINDS), st.floats(0, 1), st.integers(1, 64), st.integers(0, 2**32 - 1)
)


@pytest.mark.parametrize("name", NAMES)
def test_the_whole_file_is_read(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(whole(name, seed(name)))
    read(path)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited on Linux only")
def test_spoilt_files_are_read_or_refused() -> None:
    results = fuzz_driver.fuzz(150, key=1)
    assert [result.number for result in results] == list(range(150))
    assert [result for result in results if result.how not in ("read", "refused")] == []
    assert {result.how for result in results} == {"read", "refused"}


@settings(max_examples=40, deadline=None, derandomize=True, database=None)
@given(st.sampled_from(BY_HYPOTHESIS), st.lists(EDITS, min_size=1, max_size=3))
def test_spoilt_files_are_read_or_refused_by_hypothesis(name: str, edits: list[Edit]) -> None:
    how, said = outcome(name, whole(name, applied(seed(name), edits)))
    assert how in ("read", "refused"), said


# What fuzzing found, and what is read or refused since.
FOUND = {
    "a decoder in Rust that panics": (
        "rle.dcm", [Edit("set", 0.501442, 256, 2579243020), Edit("flip", 0.00417, 128, 2178327428)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FOUND)
def test_what_was_found_is_mended(name: str) -> None:
    file, edits = FOUND[name]
    how, said = outcome(file, whole(file, applied(seed(file), edits)))
    assert how in ("read", "refused"), said


UNSTEADY = """
import json, os, sys, time
for number in range(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])):
    print(json.dumps({"number": number}), flush=True)
    if number == 1:
        os.abort()
    if number == 2:
        time.sleep(60)
    ended = {"name": "a.png", "how": "read", "said": "", "seconds": 0.0}
    print(json.dumps({"number": number, **ended}), flush=True)
"""


def test_a_worker_that_crashes_or_stalls_costs_one_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fuzz_driver, "TO_START", 5)
    worker = tmp_path / "worker.py"
    worker.write_text(UNSTEADY)
    results = fuzz_driver.fuzz(5, worker=worker, seconds=0.3)
    assert [result.how for result in results] == ["read", "crash", "stall", "read", "read"]
    assert results[1].said == "exit code -6"
    assert results[2].said == "more than 0.3 s"


def test_a_worker_that_does_not_start_is_told(tmp_path: Path) -> None:
    (tmp_path / "worker.py").write_text("raise SystemExit('no library')")
    with pytest.raises(RuntimeError, match="did not start: no library"):
        fuzz_driver.fuzz(5, worker=tmp_path / "worker.py")

"""No picture and no NPZ file can crash, stall or swell its reader."""

import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

import hostile_pictures
import pytest
from hostile_pictures import CASES

from fastmed.data.pixels.image import open_image, open_item
from fastmed.errors import DataError

SECONDS = 2
BYTES = 50 * 2**20


@pytest.mark.parametrize("name", CASES)
def test_it_is_refused_at_once_in_one_sentence(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture
):
    folder = tmp_path / "made"
    folder.mkdir()
    path = CASES[name](folder)
    monkeypatch.chdir(tmp_path)
    tracemalloc.start()
    start = time.process_time()
    with pytest.raises(DataError) as caught:
        open_item(folder, name, "data", 0) if path.suffix == ".npz" else open_image(path)
    taken, (_, most) = time.process_time() - start, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    sentence = str(caught.value)
    assert str(path) in sentence
    assert "\n" not in sentence
    assert len(sentence.replace(str(path), "")) < 200
    assert taken < SECONDS
    assert most < BYTES
    assert capfd.readouterr() == ("", "")
    assert list(tmp_path.iterdir()) == [folder], "nothing may be written"


def test_memory_that_python_does_not_see_stays_small_too(tmp_path: Path):
    """The peak of a process that opens every case, as the system counts it."""
    pytest.importorskip("resource")
    program = f"""
import resource, sys
from pathlib import Path
sys.path.insert(0, {str(Path(hostile_pictures.__file__).parent)!r})
from hostile_pictures import CASES
from fastmed.data.pixels.image import open_image, open_item
from fastmed.errors import DataError
folder = Path({str(tmp_path)!r})
paths = [write(folder) for write in CASES.values()]
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for path in paths:
    try:
        open_item(folder, path.name, "data", 0) if path.suffix == ".npz" else open_image(path)
    except DataError:
        continue
    raise SystemExit(f"{{path.name}} was opened")
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    kilobytes = 1 if sys.platform != "darwin" else 1024
    assert int(done.stdout) / kilobytes < 100 * 1024

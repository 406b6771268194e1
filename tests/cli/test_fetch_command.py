import io
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_fetch(command: Callable, phantoms: dict[str, Path], place: Path) -> None:
    """An archive ends up where training looks for it; the second time there is nothing to do."""
    shutil.make_archive("lungs", "gztar", phantoms["lungs"])
    said = command("fetch", "lungs", "--archive", "main=lungs.tar.gz")
    assert said == (0, "", "main: 42 images from lungs.tar.gz\nData of task 'lungs' are in "
                    f"{Path('data/lungs')}\n")  # fmt: skip
    assert (place / "data" / "lungs" / "train_labels.csv").is_file()
    said = command("fetch", "lungs", "--archive", "main=lungs.tar.gz")
    assert said.code == 0
    assert said.err.endswith("already: nothing to do\n")


def test_settings_and_a_task_of_ones_own(
    command: Callable, phantoms: dict[str, Path], place: Path
) -> None:
    (place / "own.toml").write_text(
        '[own]\ntitle = "x"\ngoal = "category"\nclasses = ["healthy", "COVID", "other"]\n'
        'source = { kind = "table", file = "x.csv", image = "image", label = "label" }\n'
    )
    said = command(
        "fetch", "own", "--tasks", "own.toml", "--data", "elsewhere",
        "--archive", f"main={phantoms['lungs']}",
        "--set", "source.file=train_labels.csv", "--set", "source.folder=train_images",
    )  # fmt: skip
    assert said.code == 0, said.err
    assert (place / "elsewhere" / "train_images").is_dir()


@pytest.mark.parametrize("words, sentence", [
    ("lungs", "the data of task 'lungs' can't be downloaded by a command: no public copy is"),
    ("lung", "no task 'lung'; did you mean 'lungs'?"),
    ("lungs --archive lungs.zip", "'lungs.zip' is no archive; expected main=FILE or extra=FILE"),
    ("lungs --archive main=text.zip", "text.zip: expected a zip or tar file"),
])  # fmt: skip
def test_what_is_refused(command: Callable, place: Path, words: str, sentence: str) -> None:
    (place / "text.zip").write_text("text")
    said = command("fetch", *words.split())
    assert said.code == 1
    assert said.err.startswith(f"Error: {sentence}")
    assert said.err.count("\n") == 1
    assert [path.name for path in place.iterdir()] == ["text.zip"]


def test_no_credentials(command: Callable, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("KAGGLE_API_TOKEN", "KAGGLE_USERNAME", "KAGGLE_KEY", "KAGGLE_KERNEL_RUN_TYPE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(place))
    monkeypatch.setenv("KAGGLE_CONFIG_DIR", str(place))
    monkeypatch.setenv("KAGGLEHUB_CACHE", str(place / "cache"))
    said = command("fetch", "pneumonia")
    assert said.code == 1
    assert said.out == ""
    page = "https://www.kaggle.com/competitions/rsna-pneumonia-detection-challenge"
    assert said.err.splitlines()[0] == f"Downloading {page}"
    assert "KAGGLE_API_TOKEN or the file ~/.kaggle/access_token" in said.err
    assert f"or download {page} by hand and run `fastmed fetch pneumonia" in said.err
    assert not (place / "data").exists()


@pytest.mark.skipif(os.name != "posix", reason="Windows has no SIGINT to send")
def test_ctrl_c(place: Path) -> None:
    """Pressed while it unpacks: exit code 130, and nothing half-unpacked."""
    with tarfile.open("lungs.tar", "w") as archive:
        for number in range(10_000):
            image = tarfile.TarInfo(f"train_images/{number}.png")
            image.size = 1000
            archive.addfile(image, io.BytesIO(bytes(1000)))
    process = subprocess.Popen(
        [sys.executable, "-m", "fastmed", "fetch", "lungs", "--archive", "main=lungs.tar"],
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    draft = place / "data" / ".lungs.fetch" / "main"
    while process.poll() is None and not draft.exists():
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in said
    assert not (place / "data").exists()

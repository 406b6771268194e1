"""Kaggle's own library at work, talking to a stand-in for Kaggle on this machine.

The library knows the address http://localhost:7777 as its test environment.
"""

import base64
import hashlib
import json
import logging
import sys
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from hostile_archives import Entry, zip_bytes
from made import listening

from fastmed.data.fetching import kaggle
from fastmed.data.fetching.fetch import fetch
from fastmed.data.items import read_items
from fastmed.errors import DataError
from fastmed.taskfile import find_task

CONTENT = zip_bytes([Entry(b"train.csv", b"image,label\n"), Entry(b"images/a.png", bytes(5000))])
COMPETITION, DATASET = "competitions/hearts", "datasets/someone/hearts"


class Answers(BaseHTTPRequestHandler):
    """Answers as Kaggle does: the version of a data set, or the files as one archive."""

    status, content, md5, lost = 200, CONTENT, "", 0

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        if self.path.endswith("/GetDataset") and self.status == 200:
            return self.answer("application/json", json.dumps({"currentVersionNumber": 3}).encode())
        if self.status != 200:
            return self.answer("application/json", b'{"message": "no"}')
        return self.answer("application/zip", self.content)

    def answer(self, kind: str, content: bytes) -> None:
        md5 = base64.b64encode(hashlib.md5(content).digest()).decode()
        self.send_response(self.status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content) + self.lost))
        self.send_header("x-goog-hash", f"md5={self.md5 or md5}")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(autouse=True)
def own_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kaggle's library with a token, and folders that nothing else uses."""
    for name in ("KAGGLE_USERNAME", "KAGGLE_KEY", "KAGGLE_KERNEL_RUN_TYPE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KAGGLE_CONFIG_DIR", str(tmp_path / "home"))
    monkeypatch.setenv("KAGGLEHUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("KAGGLE_API_ENVIRONMENT", "TEST")
    monkeypatch.setenv("KAGGLE_API_TOKEN", "a token")
    monkeypatch.setenv("NO_PROXY", "localhost")


@pytest.fixture
def server() -> Iterator[Callable[..., None]]:
    """Start the stand-in; ``server(status=403)`` says how it answers."""

    class OwnAnswers(Answers):
        pass

    try:
        server = ThreadingHTTPServer(("localhost", 7777), OwnAnswers)
    except OSError:
        pytest.skip("the port 7777 is in use")

    def answer(**values: object) -> None:
        for name, value in values.items():
            setattr(OwnAnswers, name, value)

    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield answer
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("handle", [COMPETITION, DATASET])
def test_download(
    handle: str, server: Callable, tmp_path: Path, capfd: pytest.CaptureFixture
) -> None:
    folder = kaggle.download(handle)
    assert folder.is_relative_to(tmp_path / "cache")
    assert (folder / "images" / "a.png").read_bytes() == bytes(5000)
    out, err = capfd.readouterr()
    assert out == ""
    assert "%" not in err


PAGE = "https://www.kaggle.com"


@pytest.mark.parametrize("handle, answer, sentence", [
    (COMPETITION, {"status": 401}, kaggle.CREDENTIALS),
    (COMPETITION, {"status": 403}, "Kaggle gives the data only to those who accept the rules, at "
     f"{PAGE}/competitions/hearts/rules"),
    (COMPETITION, {"status": 404}, f"Kaggle has no page {PAGE}/competitions/hearts; "),
    (COMPETITION, {"status": 503}, "Kaggle answered with the error 503 when asked for "),
    (COMPETITION, {"md5": "AAAA"}, f"the download of {PAGE}/competitions/hearts broke off or is "),
    (COMPETITION, {"lost": 500}, f"the download of {PAGE}/competitions/hearts broke off or is "),
    (COMPETITION, {"content": b"neither"}, f"Kaggle's library can't download {PAGE}/competitions/"),
    (DATASET, {"status": 401}, kaggle.CREDENTIALS),
    (DATASET, {"status": 403}, f"Kaggle doesn't let you have {PAGE}/datasets/someone/hearts: it "),
    (DATASET, {"status": 404}, f"Kaggle has no page {PAGE}/datasets/someone/hearts; set fetch."),
])  # fmt: skip
def test_refusals(handle: str, answer: dict, sentence: str, server: Callable) -> None:
    server(**answer)
    with pytest.raises(DataError) as refused:
        kaggle.download(handle)
    assert str(refused.value).startswith(sentence)
    assert "\n" not in str(refused.value)


def test_no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KAGGLE_API_TOKEN")
    with pytest.raises(DataError) as refused:
        kaggle.download(COMPETITION)
    assert str(refused.value) == kaggle.CREDENTIALS


def test_broken_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KAGGLE_API_TOKEN")
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "kaggle.json").write_text("{")
    with pytest.raises(DataError, match=r"kaggle\.json; make a new token at https://www\.kaggle"):
        kaggle.download(COMPETITION)


@pytest.mark.parametrize("handle", [COMPETITION, DATASET])
def test_no_network(handle: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("HTTP_PROXY", "http://localhost:9")
    with pytest.raises(DataError, match="Kaggle can't be reached"):
        kaggle.download(handle)


def test_an_error_of_our_own_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    import kagglehub

    def fail(name: str) -> str:
        raise ZeroDivisionError

    monkeypatch.setattr(kagglehub, "competition_download", fail)
    with pytest.raises(ZeroDivisionError):
        kaggle.download(COMPETITION)


def test_a_full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    import kagglehub

    def fail(name: str) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(kagglehub, "competition_download", fail)
    with pytest.raises(DataError, match="the disk is full, while Kaggle's library downloads"):
        kaggle.download(COMPETITION)


def test_the_library_gets_its_log_back(server: Callable) -> None:
    import kagglehub  # noqa: F401

    before = logging.getLogger("kagglehub").level
    kaggle.download(COMPETITION)
    assert logging.getLogger("kagglehub").level == before
    assert not isinstance(sys.stderr, kaggle.PlainLines)


def test_bars_become_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """What tqdm writes to a file, as Kaggle's library has it, is told in plain words."""
    from tqdm import tqdm

    monkeypatch.setattr(kaggle, "SECONDS_BETWEEN_LINES", -1)
    with (
        listening() as told,
        tqdm(
            total=4096, unit="B", unit_scale=True, unit_divisor=1024, file=kaggle.PlainLines()
        ) as bar,
    ):
        bar.update(2048)
        bar.refresh()
    assert "Downloading: 2.00k of 4.00k" in told.text


def archived(folder: Path) -> bytes:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return zip_bytes(
        Entry(path.relative_to(folder).as_posix().encode(), path.read_bytes()) for path in files
    )


def test_a_data_set_from_kaggle(
    server: Callable, phantoms: dict[str, Path], tmp_path: Path
) -> None:
    """From the page to items; the second time, and after a failure, nothing is loaded again."""
    server(content=archived(phantoms["cardiomegaly"]))
    task = find_task("cardiomegaly")
    folder = fetch(task, tmp_path / "data")
    assert len(read_items(task, folder)) == 48
    server(status=503)
    assert fetch(task, folder) == folder


def test_extra_images_from_kaggle(
    server: Callable, phantoms: dict[str, Path], tmp_path: Path
) -> None:
    task = find_task("retinopathy")
    server(content=archived(phantoms["retinopathy"]))
    with listening() as told:
        folder = fetch(task, tmp_path / "data")
    assert "extra: came with the main images" in told.text
    assert set(read_items(task, folder)["origin"]) == {"main", "extra"}


def test_refusals_tell_the_way_by_hand(server: Callable, tmp_path: Path) -> None:
    server(status=403)
    with pytest.raises(DataError) as refused:
        fetch(find_task("pneumonia"), tmp_path / "a" / "data")
    assert str(refused.value).endswith(
        "/rules; or download https://www.kaggle.com/competitions/rsna-pneumonia-detection-challenge"
        " by hand and run `fastmed fetch pneumonia --archive main=FILE`"
    )
    assert not (tmp_path / "a").exists()

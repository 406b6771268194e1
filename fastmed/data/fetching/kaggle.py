"""The door to Kaggle: its own library downloads, and says in one sentence why it can't."""

import errno
import io
import logging
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import TextIO

from fastmed import console
from fastmed.errors import DataError

_TOKENS = "https://www.kaggle.com/settings/api"
CREDENTIALS = (
    f"Kaggle wants to know who asks: make a token at {_TOKENS} and put it into the environment "
    "variable KAGGLE_API_TOKEN or the file ~/.kaggle/access_token (an older ~/.kaggle/kaggle.json "
    "will do)"
)
_BAR = re.compile(r"\d+%\|.*\| (\S+)/(\S+) \[")
SECONDS_BETWEEN_LINES = 20


def page_of(handle: str) -> str:
    """Return the address of the page of a competition or data set."""
    return f"https://www.kaggle.com/{handle}"


def download(handle: str) -> Path:
    """Return the folder with the files of a competition or data set, downloaded where need be.

    Kaggle's library keeps them in a folder of its own (``~/.cache/kagglehub``, or what
    ``KAGGLEHUB_CACHE`` says), goes on with a download that broke off, and checks its MD5.

    Args:
        handle: ``competitions/NAME`` or ``datasets/OWNER/NAME``.

    Raises:
        DataError: credentials are missing, rules are not accepted, nothing has this name, there
            is no network, or the disk is full.
    """
    kind, _, name = handle.partition("/")
    console.note(f"Downloading {page_of(handle)}")
    with _quietly():
        import kagglehub

        get = (
            kagglehub.competition_download if kind == "competitions" else kagglehub.dataset_download
        )
        try:
            return Path(get(name))
        except Exception as error:
            reason = _reason(error, handle)
            if not reason:
                raise
            raise DataError(reason) from None


def _reason(error: Exception, handle: str) -> str:
    """Return what is wrong and what to do, or nothing if it is no known trouble."""
    import requests
    from kagglehub import exceptions as kaggle

    page = page_of(handle)
    status = _status(error)
    match error:
        case _ if status:
            reason = _answer(status, page)
        case kaggle.UnauthenticatedError() | kaggle.CredentialError():
            reason = CREDENTIALS
        case requests.ConnectionError() | requests.Timeout():
            reason = "Kaggle can't be reached (is there a network?)"
        case requests.RequestException() | kaggle.DataCorruptionError():
            reason = f"the download of {page} broke off or is damaged; run the command again"
        case OSError(errno=errno.ENOSPC | errno.EDQUOT):
            reason = f"the disk is full, while Kaggle's library downloads {page} to its own folder"
        case ValueError() if "credentials" in str(error):
            reason = f"{error}; make a new token at {_TOKENS}"
        case OSError() | ValueError() | kaggle.BackendError() | kaggle.NotFoundError():
            reason = f"Kaggle's library can't download {page} ({error})"
        case _:
            reason = ""
    return reason


def _answer(status: int, page: str) -> str:
    """Return what an HTTP status means for someone who asks for a page."""
    match status:
        case 401:
            return CREDENTIALS
        case 403 if "/competitions/" in page:
            return f"Kaggle gives the data only to those who accept the rules, at {page}/rules"
        case 403:
            return f"Kaggle doesn't let you have {page}: it is private, or wants your consent there"
        case 404:
            return f"Kaggle has no page {page}; set fetch.kaggle of the task to one that is there"
    return f"Kaggle answered with the error {status} when asked for {page}; try again later"


def _status(error: Exception) -> int:
    """Return the HTTP status that an error of a request carries; 0 if none."""
    response = getattr(error, "response", None)
    return 0 if response is None else response.status_code


@contextmanager
def _quietly() -> Iterator[None]:
    """Keep what Kaggle's library says off stdout, and its bars to terminals."""
    log = logging.getLogger("kagglehub")
    stderr = sys.stderr if sys.stderr.isatty() else PlainLines()
    with redirect_stdout(sys.stderr), redirect_stderr(stderr):
        import kagglehub  # noqa: F401 (its log is set up when it is loaded)

        level = log.level
        log.setLevel(logging.ERROR)
        try:
            yield
        finally:
            log.setLevel(level)


class PlainLines(io.StringIO):
    """Takes the place of stderr for tqdm's bars, and makes a line of them now and then."""

    def __init__(self) -> None:
        super().__init__()
        self._said = time.monotonic()
        self._stderr: TextIO = sys.stderr

    def write(self, text: str) -> int:
        """Tell how far the download has come, if it is time to."""
        bar = _BAR.search(text)
        if bar and time.monotonic() - self._said > SECONDS_BETWEEN_LINES:
            self._said = time.monotonic()
            with redirect_stderr(self._stderr):
                console.note(f"Downloading: {bar[1]} of {bar[2]}")
        return len(text)

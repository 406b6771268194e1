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

CREDENTIALS = (
    "Kaggle wants to know who asks: make a token at https://www.kaggle.com/settings/api and put "
    "it into the environment variable KAGGLE_API_TOKEN or the file ~/.kaggle/access_token (the "
    "older ~/.kaggle/kaggle.json will do)"
)
_BAR = re.compile(r"\d+%\|.*\| (\S+)/(\S+) \[")
_SECONDS_BETWEEN_LINES = 20


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

        get = kagglehub.competition_download if kind == "competitions" else kagglehub.dataset_download
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

    page, status = page_of(handle), _status(error)
    if isinstance(error, kaggle.UnauthenticatedError | kaggle.CredentialError) or status == 401:
        return CREDENTIALS
    if status == 403:
        if handle.startswith("competitions/"):
            return f"Kaggle gives the data only to those who accept the rules, at {page}/rules"
        return f"Kaggle doesn't let you have {page}: it may be private, or want your consent there"
    if status == 404:
        return f"Kaggle has no page {page}; set fetch.kaggle of the task to one that is there"
    if status:
        return f"Kaggle answered with the error {status} when asked for {page}; try again later"
    if isinstance(error, requests.ConnectionError | requests.Timeout):
        return "Kaggle can't be reached; is there a network?"
    if isinstance(error, requests.RequestException | kaggle.DataCorruptionError):
        return f"the download of {page} broke off or is damaged; run the command again"
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"the disk is full while {page} is downloaded to the folder of Kaggle's library"
    if isinstance(error, ValueError) and "credentials" in str(error):
        return f"{error}; make a new token at https://www.kaggle.com/settings/api"
    if isinstance(error, OSError | ValueError | kaggle.BackendError):
        return f"Kaggle's library can't download {page} ({error})"
    return ""


def _status(error: Exception) -> int:
    """Return the HTTP status that an error of a request carries; 0 if none."""
    response = getattr(error, "response", None)
    return 0 if response is None else response.status_code


@contextmanager
def _quietly() -> Iterator[None]:
    """Keep what Kaggle's library says off stdout, and its bars to terminals."""
    log = logging.getLogger("kagglehub")
    stderr = sys.stderr if sys.stderr.isatty() else _PlainLines()
    with redirect_stdout(sys.stderr), redirect_stderr(stderr):
        import kagglehub  # noqa: F401 (its log is set up when it is loaded)

        level = log.level
        log.setLevel(logging.ERROR)
        try:
            yield
        finally:
            log.setLevel(level)


class _PlainLines(io.StringIO):
    """Takes the place of stderr for tqdm's bars, and makes a line of them now and then."""

    def __init__(self) -> None:
        super().__init__()
        self._said = time.monotonic()
        self._stderr: TextIO = sys.stderr

    def write(self, text: str) -> int:
        """Tell how far the download has come, if it is time to."""
        bar = _BAR.search(text)
        if bar and time.monotonic() - self._said > _SECONDS_BETWEEN_LINES:
            self._said = time.monotonic()
            with redirect_stderr(self._stderr):
                console.note(f"Downloading: {bar[1]} of {bar[2]}")
        return len(text)

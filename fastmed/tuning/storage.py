"""Where trials are kept: SQLite in the folder of the search, or any database by its URL."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import optuna
from optuna.storages import RDBStorage
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from fastmed.errors import MissingExtraError, RunError

FILE = "study.db"
BEAT, SILENCE = 60, 300  # seconds: between signs of life, and after which a trial counts as dead
_WAIT = 60  # seconds for another process that writes


def check_storage(url: str) -> None:
    """Refuse a database that can't be reached, before any work is done.

    Raises:
        RunError, MissingExtraError: as of `open_storage`.
    """
    open_storage(Path(), url)


def open_storage(folder: Path, url: str | None) -> RDBStorage:
    """Return the storage of a search.

    Args:
        folder: of the search.
        url: of a database, as SQLAlchemy takes it; None takes a file in the folder.

    Raises:
        RunError: the database can't be reached. MissingExtraError: its driver is not installed.
            No sentence has the user, password or options of the URL.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    if url is None:
        file = quote((folder / FILE).absolute().as_posix())
        url, beat = f"sqlite:///file:{file}?uri=true", None
    else:
        check_url(url)
        beat = BEAT
    with database_trouble(url), warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        timeout = {"connect_args": {"timeout": _WAIT}} if url.startswith("sqlite") else {}
        return RDBStorage(url, timeout, heartbeat_interval=beat, grace_period=beat and SILENCE)


def check_url(url: str) -> None:
    """Refuse what is no URL of a database.

    Raises:
        RunError: it is none.
    """
    try:
        make_url(url)
    except ArgumentError:
        raise RunError(
            "--storage is no URL of a database; expected one as in sqlite:///trials.db or "
            "postgresql://USER:PASSWORD@HOST/NAME"
        ) from None


def shown(url: str) -> str:
    """Return a URL as it may be written down: without user, password and options."""
    parts = make_url(url)
    plain = URL.create(parts.drivername, None, None, parts.host, parts.port, parts.database)
    return plain.render_as_string()


@contextmanager
def database_trouble(url: str | None) -> Iterator[None]:
    """Turn what a database complains about into one sentence without secrets.

    Raises:
        RunError: the database can't be reached. MissingExtraError: its driver is not installed.
    """
    place = shown(url) if url else FILE
    try:
        yield
    except ImportError:
        driver = make_url(url or "sqlite://").drivername
        raise MissingExtraError(
            f"{place} needs a driver for {driver}, which is not installed; for PostgreSQL: "
            '`pip install "psycopg[binary]"`, and begin the URL with postgresql+psycopg://'
        ) from None
    except (SQLAlchemyError, optuna.exceptions.StorageInternalError) as error:
        kind = type(getattr(error, "orig", None) or error.__cause__ or error).__name__
        raise RunError(
            f"the trials in {place} can't be read or written ({kind}); is the database there, and "
            "are user and password right?"
        ) from None

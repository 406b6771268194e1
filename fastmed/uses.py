"""How often a test set has been looked at: each further look makes a score on it less honest."""

import datetime
import sqlite3
from contextlib import closing
from pathlib import Path

from fastmed.console import warn
from fastmed.state import state_folder

_FILE = "uses.sqlite"
_SCHEMA = "CREATE TABLE IF NOT EXISTS uses (test TEXT, time TEXT, run TEXT)"


def count_use(test: str, run: str) -> int | None:
    """Remember that a test set was used, and return how often it has been, this time included.

    The count is kept for this user, across runs and tasks. It is None, with a warning, where the
    folder of fastmed's state can't be written.

    Args:
        test: the hash of the set's images and labels.
        run: the name of the run that was judged.
    """
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    file = state_folder() / _FILE
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with closing(_connect(file)) as uses:
            uses.execute(_SCHEMA)
            uses.execute("BEGIN IMMEDIATE")  # else two that count at once would get one number
            uses.execute("INSERT INTO uses VALUES (?, ?, ?)", [test, now, run])
            found = uses.execute("SELECT count(*) FROM uses WHERE test = ?", [test])
            count = int(found.fetchone()[0])
            uses.commit()
            return count
    except (OSError, sqlite3.Error) as error:
        warn(f"the uses of the test set can't be counted in {file} ({error})")
        return None


def _connect(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(file, timeout=60, isolation_level=None)

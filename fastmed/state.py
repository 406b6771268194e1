"""What outlives a run: the secret that pseudonyms are made with, and where caches are."""

import hashlib
import hmac
import os
import secrets
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from platformdirs import user_cache_path, user_state_path

from fastmed.errors import RunError

_SALT_FILE = "salt"
_SALT_BYTES = 32
_DIGITS = 16


def state_folder() -> Path:
    """Return the folder: ``FASTMED_HOME`` if that is set, else the system's place for state."""
    own = os.environ.get("FASTMED_HOME")
    return Path(own) if own else user_state_path("fastmed", appauthor=False)


def cache_folder() -> Path:
    """Return the folder of caches: ``FASTMED_CACHE``, or one in the places for what can go."""
    own, home = os.environ.get("FASTMED_CACHE"), os.environ.get("FASTMED_HOME")
    if own:
        return Path(own)
    return Path(home) / "cache" if home else user_cache_path("fastmed", appauthor=False)


def pseudonym(text: str) -> str:
    """Return a name for a person that tells nothing about the person; empty for an empty text.

    The same text gives the same pseudonym, on this machine and for this user: 16 hexadecimal
    digits of a HMAC-SHA256 (RFC 2104) with a secret of the user's own. Without the secret no one
    can find the text by trying all numbers of patients.

    Raises:
        RunError: the secret can't be read or written.
    """
    return pseudonyms([text])[0]


def pseudonyms(texts: Iterable[str]) -> list[str]:
    """Return a pseudonym for each text; the secret is made when it is first needed."""
    texts = list(texts)
    if not any(texts):
        return [""] * len(texts)
    salt = _salt()
    return [
        hmac.new(salt, text.encode(), hashlib.sha256).hexdigest()[:_DIGITS] if text else ""
        for text in texts
    ]


def _salt() -> bytes:
    """Return the user's secret."""
    file = state_folder() / _SALT_FILE
    try:
        if not file.exists():
            _make_salt(file)
        salt = file.read_bytes()
    except OSError as error:
        cause = (error.strerror or str(error)).lower()
        raise RunError(
            f"the secret that pseudonyms of patients are made with can't be kept in {file}: "
            f"{cause}; set FASTMED_HOME to a folder that can be written"
        ) from None
    if len(salt) != _SALT_BYTES:
        raise RunError(
            f"{file} has {len(salt)} bytes, expected {_SALT_BYTES}; put a copy of it back, or "
            "remove it to begin with new pseudonyms"
        )
    return salt


def _make_salt(file: Path) -> None:
    """Write a new secret, readable by the user only; one that another process wrote stays."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = file.with_name(f".{_SALT_FILE}.{secrets.token_hex(8)}.tmp")
    try:
        _write_secret(temporary)
        os.link(temporary, file)
    except FileExistsError:
        return
    except OSError:  # a disk without links: two processes at once might see half of the secret
        _write_secret(file)
    finally:
        with suppress(OSError):
            temporary.unlink()


def _write_secret(file: Path) -> None:
    """Write a secret into a file that must not be there yet."""
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as new:
        new.write(secrets.token_bytes(_SALT_BYTES))
        new.flush()
        os.fsync(new.fileno())

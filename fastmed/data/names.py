"""Names of files that tables can hold."""

from collections.abc import Iterable

from fastmed.errors import DataError


def is_utf8(name: str) -> bool:
    """False if a name has bytes that are not UTF-8, which Python keeps as lone surrogates."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def check_utf8(names: Iterable[str]) -> None:
    """Refuse names that no table can hold.

    Raises:
        DataError: the first of them.
    """
    for name in names:
        if not is_utf8(name):
            raise DataError(f"the name of '{name}' is not UTF-8; rename the file")

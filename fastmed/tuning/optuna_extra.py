"""Whether Optuna is there, without loading it."""

from importlib.util import find_spec

from fastmed.errors import MissingExtraError


def check_optuna() -> None:
    """Refuse a search where Optuna is not installed.

    Raises:
        MissingExtraError: says what to install.
    """
    if find_spec("optuna") is None:
        raise MissingExtraError(
            'a search needs Optuna; install it with `pip install "fastmed[tune]"`'
        )

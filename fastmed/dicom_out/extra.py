"""The package that makes DICOM objects, which not everyone needs."""

from importlib import import_module

from fastmed.errors import MissingExtraError


def require_highdicom() -> None:
    """Refuse to begin without the package.

    Raises:
        MissingExtraError: says how to install it.
    """
    try:
        import_module("highdicom")
    except ImportError:
        raise MissingExtraError(
            'DICOM objects need highdicom; install it with `pip install "fastmed[dicom-out]"`'
        ) from None

"""Whether what an export needs is there, without loading it."""

from importlib.util import find_spec

from fastmed.errors import MissingExtraError

_NEEDED = ("onnx", "onnxscript", "onnxruntime")


def check_onnx() -> None:
    """Refuse an export to ONNX where a package for it is not installed.

    Raises:
        MissingExtraError: says what to install.
    """
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise MissingExtraError(
            f"an export to ONNX needs {', '.join(missing)}, which is not installed: "
            "pip install 'fastmed[onnx]'; --format pt2 needs nothing else"
        )

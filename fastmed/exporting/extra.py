"""Whether what an export needs is there, without loading it."""

from importlib.util import find_spec

from fastmed.auditing.words import joined
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
            f"an export to ONNX needs {joined(missing)}; install "
            f'{"it" if len(missing) == 1 else "them"} with `pip install "fastmed[onnx]"`, or take '
            "--format pt2, which needs nothing else"
        )

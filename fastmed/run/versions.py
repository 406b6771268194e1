"""What a result depends on beside the program: packages, and the processor."""

import platform
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = (
    "fastmed", "fastai", "torch", "timm", "numpy", "pandas", "scikit-learn", "pydicom", "pillow",
    "opencv-python-headless", "pylibjpeg-openjpeg", "pylibjpeg-rle", "pyjpegls",
)  # fmt: skip


def package_versions() -> dict[str, str]:
    """Return the installed versions of the packages that a result depends on."""
    return {name: _version(name) for name in PACKAGES}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def processor_name() -> str:
    """Return the name of this machine's processor."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()

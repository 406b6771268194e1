"""The versions of the packages that a result depends on."""

from importlib.metadata import PackageNotFoundError, version

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

"""Which files of a run go along when it is handed on."""

import re
from collections.abc import Collection, Iterator
from pathlib import Path

from fastmed.errors import RunError, listed, nearest
from fastmed.run.checkpoints import FOLDER

# What goes along only if it is asked for -> the files, below the folder of a run or a family.
OPTIONAL = {
    "checkpoints": re.compile(rf"{FOLDER}/epoch-\d+\.(safetensors|state\.safetensors|json)"),
    "predictions": re.compile(r"predictions/[^/]+\.csv"),
    "pictures": re.compile(r"(figures|heatmaps|report)/(.+/)?[^/]+\.(png|svg|html|json|csv)"),
}
_WHY = {
    "checkpoints": "weights of other epochs",
    "predictions": "a row for each image that was predicted",
    "pictures": "figures, heat maps and the report, which show images of patients",
}
_ALWAYS = re.compile(
    r"(run|task|scores|family|summary|comparison)\.json|(items|history|scores|calibration|summary)"
    r"\.csv|(model|likeness)\.safetensors|data\.lock|MODEL_CARD\.md|README\.md|card\.toml"
    r"|(network|loss)\.py|hub/config\.json|model(-\w+)?\.onnx"
)
MEMBER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def told() -> str:
    """Return what can be asked for, in words."""
    return "; ".join(f"{name}: {why}" for name, why in _WHY.items())


def check_wished(wished: Collection[str]) -> None:
    """Refuse what can't be asked for.

    Raises:
        RunError: names what can.
    """
    for name in wished:
        if name not in OPTIONAL:
            close = nearest(name, OPTIONAL) or f"; there are {listed(OPTIONAL)}"
            raise RunError(f"--include: there is no '{name}'{close}")


def belongs(path: str) -> bool:
    """True if a file of this path may be in the folder of a run or a family; members one below."""
    above, _, below = path.partition("/")
    own = [path] + ([below] if MEMBER.fullmatch(above) and below else [])
    every = (_ALWAYS, *OPTIONAL.values())
    return any(pattern.fullmatch(one) for one in own for pattern in every)


def files_to_pack(folder: Path, wished: Collection[str]) -> Iterator[Path]:
    """Yield the files of the folder of a run that go along, sorted.

    Raises:
        RunError: a link is among them.
    """
    patterns = [_ALWAYS, *(OPTIONAL[name] for name in wished)]
    for path in sorted(folder.rglob("*")):
        place = path.relative_to(folder).as_posix()
        if not any(pattern.fullmatch(place) for pattern in patterns):
            continue
        if path.is_symlink() or not path.is_file():
            raise RunError(f"{path} is a link or no plain file, and can't be packed")
        yield path

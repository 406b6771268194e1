"""Networks that a file describes: a Python file of the user's, or a model of a hub.

They are named in place of a backbone: ``my_net.py``, ``my_net.py:Net``, ``hf-hub:OWNER/NAME``,
``local-dir:FOLDER``. A run keeps a copy of the file, so that it needs nothing else.
"""

import re
from pathlib import Path

KEPT_CODE = "network.py"  # in a run: the code of the user's own network
KEPT_CONFIG = "hub/config.json"  # in a run: what the hub says of its network

_CODE = re.compile(r"(?P<file>.*\.py)(:(?P<name>[^:/\\]*))?", re.DOTALL)
_HUB = re.compile(r"(hf[-_]hub|local-dir):(?P<place>.+)", re.DOTALL)
_LOCAL = "local-dir:"


def is_code(arch: str) -> bool:
    """True if a network is a class in a Python file."""
    return _CODE.fullmatch(arch) is not None


def is_hub(arch: str) -> bool:
    """True if a network is described by the config of a hub's model."""
    return _HUB.fullmatch(arch) is not None


def code_of(arch: str) -> tuple[Path, str]:
    """Return the Python file, and the name of the class or an empty text."""
    found = _CODE.fullmatch(arch)
    if found is None:
        raise ValueError(f"'{arch}' names no Python file")
    return Path(found["file"]), found["name"] or ""


def place_of(arch: str) -> tuple[str, bool]:
    """Return the name on the hub, or the folder; and whether it is a folder."""
    found = _HUB.fullmatch(arch)
    if found is None:
        raise ValueError(f"'{arch}' names no model of a hub")
    return found["place"], arch.startswith(_LOCAL)


def without_folder(arch: str) -> str:
    """Return a network's name without the user's own folders, as it may stand in a run."""
    if is_code(arch):
        file, name = code_of(arch)
        return f"{file.name}:{name}" if name else file.name
    if arch.startswith(_LOCAL):
        return _LOCAL + Path(place_of(arch)[0]).name
    return arch


def within_run(arch: str, run: Path) -> str:
    """Return the name by which a run's network is found in the run, wherever it came from."""
    if is_code(arch):
        name = code_of(arch)[1]
        return f"{run / KEPT_CODE}:{name}" if name else str(run / KEPT_CODE)
    if is_hub(arch):
        return f"{_LOCAL}{(run / KEPT_CONFIG).parent}"
    return arch

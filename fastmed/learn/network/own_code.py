"""A class in a Python file of the user's, found and loaded."""

import hashlib
import sys
from pathlib import Path
from types import ModuleType

from torch import nn

from fastmed.errors import ModelError, listed, nearest
from fastmed.files import read_text, write_whole
from fastmed.network_files import KEPT_CODE, code_of
from fastmed.trust import check_trusted, trust


def own_arch(arch: str) -> str:
    """Return the name of a user's network with its class, ``FILE:CLASS``.

    Raises:
        ModelError: the file can't be loaded, or it has no such class, or several and none is named.
        RunError: it is code of a run that the user hasn't allowed.
    """
    return f"{code_of(arch)[0]}:{load_class(arch).__name__}"


def load_class(arch: str) -> type[nn.Module]:
    """Return the class that a name such as ``my_net.py:Net`` leads to."""
    file, name = code_of(arch)
    module = load_code(file)
    own = [thing for thing in vars(module).values() if _is_network_of(thing, module)]
    found = {kind.__name__: kind for kind in own}
    if name:
        if name not in found:
            there = f"; there are {listed(found)}" if found else ""
            raise ModelError(f"{file} has no network '{name}'{nearest(name, found) or there}")
        return found[name]
    public = [kind for kind in found.values() if not kind.__name__.startswith("_")]
    if not public:
        raise ModelError(f"{file} defines no network: there is no class of torch's nn.Module in it")
    if len(public) > 1:
        names = [kind.__name__ for kind in public]
        raise ModelError(f"{file} defines {listed(names)}; say which, as in {file}:{names[-1]}")
    return public[0]


def _is_network_of(thing: object, module: ModuleType) -> bool:
    is_network = isinstance(thing, type) and issubclass(thing, nn.Module)
    return is_network and thing.__module__ == module.__name__


def load_code(file: Path) -> ModuleType:
    """Execute a Python file, once for each content that it has had."""
    text = _read(file)
    check_trusted(file, text)
    name = f"fastmed_own_{hashlib.sha256(text.encode()).hexdigest()}"
    if name in sys.modules:
        return sys.modules[name]
    module = ModuleType(name)
    module.__file__ = str(file)
    sys.modules[name] = module
    try:
        exec(compile(text, str(file), "exec"), vars(module))  # noqa: S102 (what was asked for)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise ModelError(
            f"{file} can't be loaded: {told(error)}; it has to stand alone, beside what is "
            "installed"
        ) from None
    return module


def told(error: BaseException) -> str:
    """Return the kind of an error and the first line of what it says."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:200]}" if lines else type(error).__name__


def keep_code(arch: str, run: Path) -> None:
    """Write a copy of the code of a user's network into a run, and trust it from now on."""
    text = _read(code_of(arch)[0])
    write_whole(run / KEPT_CODE, lambda file: file.write_bytes(text.encode()))
    trust(text)


def _read(file: Path) -> str:
    if not file.is_file():
        raise ModelError(f"no Python file '{file}'")
    try:
        return read_text(file)
    except (OSError, ValueError) as error:
        raise ModelError(f"{file} can't be read as Python code ({error})") from None

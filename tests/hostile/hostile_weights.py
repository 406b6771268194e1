"""Files of weights that run code, lie about what is in them, or swell their reader.

`CASES` maps a name to a function that writes such a file into a folder and returns its path; each
must be refused in one sentence that names it. `RUN_CASES` maps a name to what spoils the weights
of a run; what is refused then is the run.
"""

import io
import json
import os
import pickle
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import timm
import torch
from safetensors.torch import load_file, save_file

ARCH = "test_resnet"
FIRST = "conv1.0.weight"  # of its weights
TRAPPED = "trapped"  # what a trap makes in the working directory


class Trap:
    """What runs a command when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {TRAPPED}",)


class Swollen:
    """What asks for 100 GB when it is unpickled, with nothing but what is allowed."""

    def __reduce__(self) -> tuple[Any, ...]:
        return bytearray, (10**11,)


def weights() -> dict[str, torch.Tensor]:
    """Return the weights of a small network, to be spoilt."""
    return dict(timm.create_model(ARCH, num_classes=0).state_dict())


def safetensors(
    header: Mapping[str, Any] | bytes, values: bytes, length: int | None = None
) -> bytes:
    """Return a safetensors file of a header, which may be said to be of another length."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + values


def entry(shape: list[int], start: int, end: int, kind: str = "F32") -> dict[str, Any]:
    """Return what the header says of a tensor."""
    return {"dtype": kind, "shape": shape, "data_offsets": [start, end]}


def _torch_file(content: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def _rewritten(
    change: Callable[[str, bytes], bytes], finish: Callable[[zipfile.ZipFile], None] | None = None
) -> bytes:
    """Return a file of `torch.save` with its members, and what its directory says, changed."""
    buffer = io.BytesIO()
    whole = _torch_file({FIRST: torch.zeros(10)})
    with zipfile.ZipFile(io.BytesIO(whole)) as old, zipfile.ZipFile(buffer, "w") as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
        if finish:
            finish(new)
    return buffer.getvalue()


def _deflated(name: str, content: bytes) -> bytes:
    """Make ten values 400 million, all zero, in a member that is deflated."""
    if name.endswith("data.pkl"):
        return content.replace(b"K\n", b"J" + struct.pack("<i", 4 * 10**8))
    if not name.endswith("data/0"):
        return content
    packer = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    block = packer.compress(bytes(10**6)) + packer.flush(zlib.Z_FULL_FLUSH)
    return block * 1600 + b"\x03\x00"


def _say_deflated(archive: zipfile.ZipFile) -> None:
    member = next(one for one in archive.infolist() if one.filename.endswith("data/0"))
    member.compress_type, member.file_size = zipfile.ZIP_DEFLATED, 1600 * 10**6


def _multiplied(name: str, content: bytes) -> bytes:
    """Encode one text of a megabyte again and again, by four bytes each."""
    if not name.endswith("data.pkl"):
        return content
    text = b"a" * 2**20
    start = b"\x80\x02]q\x00c_codecs\nencode\nq\x01X" + struct.pack("<I", len(text)) + text
    return start + b"X\x06\0\0\0latin1\x86q\x02Ra" + b"h\x01h\x02Ra" * 20_000 + b"."


def _spoilt(change: Callable[[dict[str, torch.Tensor]], Any]) -> Callable[[], bytes]:
    def made() -> bytes:
        state = weights()
        change(state)
        return _torch_file(state)

    return made


def _not_a_number(state: dict[str, torch.Tensor]) -> None:
    state[FIRST][0, 0, 0, 0] = float("nan")


def _other_shapes(state: dict[str, torch.Tensor]) -> None:
    state.update({name: value.unsqueeze(0) for name, value in state.items()})


def _other_kind(state: dict[str, torch.Tensor]) -> None:
    state[FIRST] = state[FIRST].to(torch.complex64)


def _long_header() -> bytes:
    return safetensors({f"{number:0100}": entry([0], 0, 0) for number in range(60_000)}, b"")


_CONTENTS: dict[str, Callable[[], bytes]] = {
    "code.pkl": lambda: pickle.dumps(Trap()),
    "code.pt": lambda: _torch_file({FIRST: Trap()}),
    "code_of_builtins.pt": lambda: _torch_file({FIRST: Swollen()}),
    "deflated.pt": lambda: _rewritten(_deflated, _say_deflated),
    "multiplied.pt": lambda: _rewritten(_multiplied),
    "expanded.pt": lambda: _torch_file({FIRST: torch.zeros(1).expand(10**5, 10**5)}),
    "no_values.pt": lambda: _torch_file({"a": torch.empty(10**6, 10**6, device="meta")}),
    "nested_lists.pt": lambda: b"\x80\x02" + b"]" * 10**5 + b"a" * (10**5 - 1) + b".",
    "cut_off.pt": lambda: _torch_file(weights())[:5000],
    "nan.pt": _spoilt(_not_a_number),
    "wrong_shapes.pt": _spoilt(_other_shapes),
    "complex.pt": _spoilt(_other_kind),
    "only_extra_keys.pt": lambda: _torch_file({"other.weight": torch.zeros(3)}),
    "list.pt": lambda: _torch_file([torch.zeros(3)]),
    "empty.pt": lambda: b"",
    "huge_header.safetensors": lambda: safetensors({}, b"", length=2**62),
    "long_header.safetensors": _long_header,
    "deep_header.safetensors": lambda: safetensors(b"[" * 10**5, b""),
    "overlapping.safetensors": lambda: safetensors(
        {"a": entry([2], 0, 8), "b": entry([2], 4, 12)}, bytes(12)
    ),
    "hole.safetensors": lambda: safetensors(
        {"a": entry([2], 0, 8), "b": entry([2], 16, 24)}, bytes(24)
    ),
    "beyond_its_end.safetensors": lambda: safetensors(
        {"a": entry([10**10], 0, 4 * 10**10)}, bytes(12)
    ),
    "overflow.safetensors": lambda: safetensors({"a": entry([2**40, 2**40], 0, 8)}, bytes(8)),
    "negative.safetensors": lambda: safetensors({"a": entry([-2], 0, 8)}, bytes(8)),
    "unknown_kind.safetensors": lambda: safetensors({"a": entry([2], 0, 8, "F99")}, bytes(8)),
    "text.safetensors": lambda: b"no tensors",
}


def _writer(name: str) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(_CONTENTS[name]())
        return path

    return write


def _hole_of_100_gigabytes(folder: Path) -> Path:
    path = folder / "sparse.pt"
    path.write_bytes(_torch_file(weights()))
    os.truncate(path, 10**11)
    return path


CASES: dict[str, Callable[[Path], Path]] = {
    **{name: _writer(name) for name in _CONTENTS},
    "sparse.pt": _hole_of_100_gigabytes,
}


def _changed(change: Callable[[dict[str, torch.Tensor]], Any]) -> Callable[[Path], None]:
    def spoil(path: Path) -> None:
        state = {name: value.clone() for name, value in load_file(path).items()}
        change(state)
        save_file(state, path)

    return spoil


def _first_nan(state: dict[str, torch.Tensor]) -> None:
    next(value for value in state.values() if value.is_floating_point()).fill_(float("nan"))


def _first_cut(state: dict[str, torch.Tensor]) -> None:
    name = next(name for name, value in state.items() if value.ndim)
    state[name] = state[name][:1].clone()


RUN_CASES: dict[str, Callable[[Path], None]] = {
    "nan": _changed(_first_nan),
    "wrong shapes": _changed(_first_cut),
    "extra keys": _changed(lambda state: state.update(other=torch.zeros(3))),
    "missing keys": _changed(lambda state: state.pop(next(iter(state)))),
    "half": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "pickle": lambda path: path.write_bytes(_torch_file({"a": Trap()})),
    "long header": lambda path: path.write_bytes(_long_header()),
}

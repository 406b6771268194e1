"""Runs that somebody has tampered with.

`CASES` maps a name to a function that spoils a copy of a run of categories; what `fastmed
evaluate` then says is one sentence that names the file.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd


def _info(**changes: Any) -> Callable[[Path], None]:
    def spoil(run: Path) -> None:
        info = json.loads((run / "run.json").read_text())
        (run / "run.json").write_text(json.dumps({**info, **changes}))

    return spoil


def _task(**changes: Any) -> Callable[[Path], None]:
    def spoil(run: Path) -> None:
        task = json.loads((run / "task.json").read_text())
        (run / "task.json").write_text(json.dumps({**task, **changes}))

    return spoil


def _file(name: str, content: str | bytes) -> Callable[[Path], None]:
    return lambda run: (run / name).write_bytes(
        content.encode() if isinstance(content, str) else content
    )  # type: ignore[return-value]


def _items(column: str, value: str | None) -> Callable[[Path], None]:
    def spoil(run: Path) -> None:
        table = pd.read_csv(run / "items.csv", dtype=str, keep_default_na=False)
        table = table.drop(columns=column) if value is None else table.assign(**{column: value})
        table.to_csv(run / "items.csv", index=False)

    return spoil


def _pipe(name: str) -> Callable[[Path], None]:
    def spoil(run: Path) -> None:
        (run / name).unlink()
        os.mkfifo(run / name)

    return spoil


def _gigabyte(run: Path) -> None:
    with (run / "run.json").open("wb") as file:
        file.truncate(10**9)


CASES: dict[str, Callable[[Path], None]] = {
    "run.json: a list": _file("run.json", "[]"),
    "run.json: nested lists": _file("run.json", "[" * 100_000),
    "run.json: not UTF-8": _file("run.json", b"\xff\xfe{}"),
    "run.json: a gigabyte": _gigabyte,
    "run.json: text as mean": _info(mean="abc"),
    "run.json: infinite mean": _info(mean=[float("inf")] * 3),
    "run.json: many means": _info(mean=[0.5] * 1000),
    "run.json: number as folder": _info(data=7),
    "run.json: text as calibration": _info(calibration="hot"),
    "run.json: infinite temperature": _info(
        calibration={"temperature": float("inf"), "n": 1, "rows_sha256": "0" * 64}
    ),
    "run.json: points of no class": _info(operating_points=[{"class": 7}]),
    "task.json: class of markup": _task(classes=["<script>", "b", "c"]),
    "task.json: unknown setting": _task(more=1),
    "task.json: a number": _file("task.json", "7"),
    "task.json: nested lists": _file("task.json", "[" * 100_000),
    "task.json: a pipe": _pipe("task.json"),
    "items.csv: a pipe": _pipe("items.csv"),
    "scores.json: nested lists": _file("scores.json", "[" * 100_000),
    "scores.json: a list": _file("scores.json", "[1]"),
    "items.csv: path out of the data": _items("image", "../../../etc/passwd"),
    "items.csv: absolute path": _items("image", "/etc/passwd"),
    "items.csv: no images": _items("image", None),
    "items.csv: unknown class": _items("target", "other class"),
    "items.csv: text as number": _items("index", "x"),
    "items.csv: no table": _file("items.csv", b"\xff\0\xff"),
    "items.csv: empty": _file("items.csv", b""),
}

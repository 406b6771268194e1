"""Checkpoints in a run folder: which files belong to an epoch, and which epochs are there."""

import os
import re
import shutil
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from fastmed.files import write_whole

FOLDER = "checkpoints"
_WEIGHTS = re.compile(r"epoch-(\d+)\.safetensors")


@dataclass(frozen=True)
class Checkpoint:
    """The files of one epoch; epoch 0 is the network before its first step.

    Attributes:
        run: the folder of the run. epoch: counted from 1.
    """

    run: Path
    epoch: int

    @property
    def name(self) -> str:
        """How the files, and the folder of the epoch's own results, are called."""
        return f"epoch-{self.epoch:02d}"

    @property
    def weights(self) -> Path:
        """The weights that were validated after the epoch."""
        return self.run / FOLDER / f"{self.name}.safetensors"

    @property
    def state(self) -> Path:
        """The tensors beside, without which a training can't go on."""
        return self.run / FOLDER / f"{self.name}.state.safetensors"

    @property
    def info(self) -> Path:
        """Everything else; written last, so that the checkpoint is whole where it is there."""
        return self.run / FOLDER / f"{self.name}.json"

    @property
    def resumable(self) -> bool:
        """True if a training can go on from here."""
        return self.info.is_file()

    def drop_state(self) -> None:
        """Keep the weights only."""
        _remove(self.info, self.state)

    def drop(self) -> None:
        """Remove the checkpoint; what is killed in between leaves weights and nothing that lies."""
        _remove(self.info, self.state, self.weights)


def checkpoints(run: Path) -> list[Checkpoint]:
    """Return the checkpoints of a run folder that have weights, by epoch."""
    found = (_WEIGHTS.fullmatch(file.name) for file in (run / FOLDER).glob("epoch-*.safetensors"))
    return [Checkpoint(run, epoch) for epoch in sorted(int(name[1]) for name in found if name)]


def checkpoint_of(weights: Path) -> Checkpoint | None:
    """Return the checkpoint that a file of weights belongs to; None for any other file."""
    found = _WEIGHTS.fullmatch(weights.name)
    run = weights.parent.parent
    if found is None or weights.parent.name != FOLDER or not (run / "run.json").is_file():
        return None
    return Checkpoint(run, int(found[1]))


def drop_others(run: Path, kept: Iterable[int]) -> None:
    """Remove the checkpoints of all epochs but some."""
    wanted = set(kept)
    for one in checkpoints(run):
        if one.epoch not in wanted:
            one.drop()


def drop_unfinished(run: Path) -> None:
    """Remove what writers that were killed left behind under temporary names."""
    for folder in (run, run / FOLDER):
        _remove(*folder.glob(".*.tmp"))


def put_in_place(weights: Path, place: Path) -> None:
    """Give weights a second name, as a whole; a copy where the disk has no links."""
    write_whole(place, lambda temporary: _link(weights, temporary))


def _link(file: Path, other: Path) -> None:
    other.unlink(missing_ok=True)
    try:
        os.link(file, other)
    except OSError:
        shutil.copyfile(file, other)


def _remove(*files: Path) -> None:
    for file in files:
        with suppress(OSError):
            file.unlink()

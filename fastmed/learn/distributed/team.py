"""The processes that train one network together, and what they tell each other."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch import distributed as dist

from fastmed.console import clear_sentence
from fastmed.errors import TrainingError
from fastmed.learn.distributed.board import Board, FailedElsewhereError, board
from fastmed.processes import Seat, seat


class Team:
    """All processes of a training; every one of them calls the same methods in the same order.

    Only the main process keeps anything, evaluates, or says anything.

    Args:
        own: the seat of this process.
        notices: None for a single process, for which every method is trivial.
    """

    def __init__(self, own: Seat, notices: Board | None = None) -> None:
        self.seat, self.notices = own, notices
        self.count, self.main = own.count, own.main
        self.turn = 0

    # What they agree on

    def any(self, here: bool) -> bool:
        """True on all processes if it is true on any of them."""
        if self.notices is None:
            return here
        found = torch.tensor(int(here))
        dist.all_reduce(found, dist.ReduceOp.MAX)
        return bool(found)

    def mean(self, value: Tensor) -> float:
        """Return the mean of a number over the processes."""
        if self.notices is None:
            return float(value.item())
        total = value.detach().as_subclass(Tensor).float().clone()
        dist.all_reduce(total)
        return float(total.item()) / self.count

    def check_same(self, what: dict[str, Any]) -> None:
        """Refuse processes that were started with something else than the main one.

        Args:
            what: by its name, as JSON can hold it.

        Raises:
            TrainingError: names the process and what differs.
        """
        if self.notices is None:
            return
        of_main = self.share(what)
        own = json.loads(json.dumps(what))
        for name, value in of_main.items():
            if own[name] != value:
                raise TrainingError(
                    f"process {self.seat.rank} was started with other {name} than process 0; "
                    "give all of them the same command, task file and versions of packages"
                )

    # What they give each other

    def share(self, content: Any = None) -> Any:
        """Return on all processes what the main one gives: anything that JSON can hold."""
        if self.notices is None:
            return content
        return json.loads(self.share_bytes(json.dumps(content).encode() if self.main else b""))

    def share_bytes(self, content: bytes = b"") -> bytes:
        """Return on all processes what the main one gives, however long that takes."""
        if self.notices is None:
            return content
        self._main_comes_first()
        length = torch.tensor(len(content))
        dist.broadcast(length, 0)
        room = _tensor(content) if self.main else torch.empty(int(length), dtype=torch.uint8)
        dist.broadcast(room, 0)
        return room.numpy().tobytes()

    def gather_bytes(self, content: bytes) -> list[bytes]:
        """Return what each process gives, in their order."""
        if self.notices is None:
            return [content]
        lengths = [torch.tensor(0) for _ in range(self.count)]
        dist.all_gather(lengths, torch.tensor(len(content)))
        room = torch.zeros(int(max(lengths)), dtype=torch.uint8)
        room[: len(content)] = _tensor(content)
        rooms = [torch.empty_like(room) for _ in range(self.count)]
        dist.all_gather(rooms, room)
        pairs = zip(rooms, lengths, strict=True)
        return [one[: int(length)].numpy().tobytes() for one, length in pairs]

    # Who comes first

    def wait_for_all(self) -> None:
        """Wait until all processes are here, however long that takes."""
        if self.notices is not None:
            notice = self._next("all")
            self.notices.leave(notice)
            self.notices.wait(notice, self.count)

    @contextmanager
    def first_on_each_machine(self) -> Iterator[None]:
        """Let one process on each machine do the work within before the others there."""
        if self.notices is None:
            yield
            return
        notice = self._next(f"machine-{self.seat.rank - self.seat.local_rank}")
        if self.seat.local_rank:
            self.notices.wait(notice)
        yield
        self.notices.leave(notice)

    # Failures

    @contextmanager
    def telling_failures(self) -> Iterator[None]:
        """Tell the other processes when the work within fails, so that none waits for this one.

        An error that comes of another process's failure is raised as that.
        """
        try:
            yield
        except (Exception, KeyboardInterrupt) as error:
            told = self.tell(error)
            if not told and self.notices is not None and not isinstance(error, KeyboardInterrupt):
                self.notices.look_for_failure()
            raise

    def reason(self, error: Exception) -> str:
        """Return why a training failed: for this error, or for that of another process."""
        try:
            if not self.tell(error) and self.notices is not None:
                self.notices.look_for_failure()
        except FailedElsewhereError as elsewhere:
            return str(elsewhere)
        return clear_sentence(error)

    def tell(self, error: BaseException) -> bool:
        """Tell the others of a failure; True for the first process that failed."""
        if self.notices is None or isinstance(error, FailedElsewhereError):
            return self.notices is None
        return self.notices.fail(_reason(error)) == self.seat.rank

    def _main_comes_first(self) -> None:
        assert self.notices is not None
        notice = self._next("main")
        if self.main:
            self.notices.leave(notice)
        else:
            self.notices.wait(notice)

    def _next(self, what: str) -> str:
        self.turn += 1
        return f"{self.turn}/{what}"


@cache
def team() -> Team:
    """Return the team of this process; it is joined when this is called first.

    Raises:
        TrainingError: the others are not in reach.
    """
    own = seat()
    if own.count == 1:
        return Team(own)
    notices = board()
    on_gpus = torch.cuda.is_available() and dist.is_nccl_available()
    backend = "cpu:gloo,cuda:nccl" if on_gpus else "gloo"
    dist.init_process_group(backend, store=notices.store, rank=own.rank, world_size=own.count)
    return Team(own, notices)


def leave_team() -> None:
    """Close the connections to the other processes, if there are any."""
    if dist.is_available() and dist.is_initialized():
        dist.destroy_process_group()


def trouble_of_several(error: RuntimeError) -> str | None:
    """Return what to say of an error if it comes of there being several processes; else None."""
    if "training graph has changed" in str(error):
        return (
            "the network uses other weights in one batch than in the next, which several processes "
            "can't train together; train it with one"
        )
    marks = ("Connection reset by peer", "Connection closed by peer", "Broken pipe", "NCCL")
    if not isinstance(error, dist.DistError) and not any(mark in str(error) for mark in marks):
        return None
    return (
        "another process of the training is out of reach, as one that was killed for lack of "
        "memory; what the run keeps can be gone on with by `fastmed resume`"
    )


def _tensor(content: bytes) -> Tensor:
    if not content:
        return torch.empty(0, dtype=torch.uint8)
    return torch.frombuffer(bytearray(content), dtype=torch.uint8)


def _reason(error: BaseException) -> str:
    return clear_sentence(error) if isinstance(error, Exception) else "it was interrupted"

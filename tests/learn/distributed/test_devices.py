import pytest
import torch

from fastmed.errors import TrainingError
from fastmed.learn.distributed.devices import own_device


@pytest.fixture
def second_of_three(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Be the second of three processes on a machine with two GPUs; return which were taken."""
    values = {"RANK": "1", "LOCAL_RANK": "1", "WORLD_SIZE": "3", "MASTER_ADDR": "a"}
    for name, value in {**values, "MASTER_PORT": "1"}.items():
        monkeypatch.setenv(name, value)
    taken: list[int] = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "set_device", taken.append)
    return taken


def test_alone_the_name_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert [own_device(name) for name in (None, "cpu", "cuda:3")] == [None, "cpu", "cuda:3"]


@pytest.mark.parametrize("name", [None, "cuda", "cuda:1"])
def test_each_process_takes_its_own_gpu(name: str | None, second_of_three: list[int]) -> None:
    assert own_device(name) == "cuda:1"
    assert second_of_three == [1]


def test_the_cpu_can_be_asked_for(second_of_three: list[int]) -> None:
    assert own_device("cpu") == "cpu"
    assert second_of_three == []


def test_one_gpu_for_all_is_refused(second_of_three: list[int]) -> None:
    with pytest.raises(TrainingError, match="cuda:0 is one GPU for 3 processes"):
        own_device("cuda:0")


def test_other_devices_are_refused(second_of_three: list[int]) -> None:
    with pytest.raises(TrainingError, match="not on 'mps'"):
        own_device("mps")


def test_more_processes_than_gpus_are_refused(
    second_of_three: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCAL_RANK", "2")
    with pytest.raises(TrainingError, match=r"2 GPUs and more processes.*--nproc_per_node 2"):
        own_device(None)


def test_without_gpus_it_is_the_cpu(
    second_of_three: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert own_device(None) == "cpu"

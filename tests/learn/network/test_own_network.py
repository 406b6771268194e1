"""Networks in the user's own Python files: the contract, the run's copy, and whose code may run."""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from conftest import tiny_task

from fastmed.errors import ModelError, RunError
from fastmed.learn.learner import check_weights
from fastmed.learn.network.architectures import resolve_arch
from fastmed.learn.network.body import make_body
from fastmed.learn.network.groups import backbone_of, layer_groups
from fastmed.learn.network.own_network import make_own
from fastmed.run import Run
from fastmed.training.train import train
from fastmed.trust import trust_run

CPU = {"device": "cpu", "workers": 0}
BACKBONE = """
from torch import nn

class _Block(nn.Sequential):
    def __init__(self, start, width):
        super().__init__(nn.Conv2d(start, width, 3, 2, 1), nn.BatchNorm2d(width), nn.ReLU())

class Small(nn.Module):
    def __init__(self, channels=3):
        super().__init__()
        self.blocks = nn.Sequential(_Block(channels, 8), _Block(8, 16))

    def forward(self, images):
        return self.blocks(images)
"""
WHOLE = """
from torch import nn

class Whole(nn.Module):
    def __init__(self, channels, outputs, size, width=8):
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(channels, width, 3, 2, 1), nn.ReLU(), nn.Flatten())
        self.last = nn.Linear(width * (size // 2) ** 2, outputs)

    def forward(self, images):
        return self.last(self.first(images))
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "my_net.py"


def own(file: Path, code: str, **changes: object) -> object:
    file.write_text(code)
    return make_own(tiny_task("lungs", train__arch=str(file), **changes))


def test_a_backbone_gets_a_head(file: Path) -> None:
    body = own(file, BACKBONE)
    assert not body.whole
    assert body(torch.zeros(4, 3, 32, 32)).shape == (4, 16, 8, 8)
    assert own(file, BACKBONE, image__channels=1)(torch.zeros(1, 1, 32, 32)).shape[1] == 16


def test_a_whole_network_is_given_what_it_asks_for(file: Path) -> None:
    body = own(file, WHOLE, image__channels=1, image__size=20)
    assert body.whole
    assert body(torch.zeros(2, 1, 20, 20)).shape == (2, 3)
    early, late, head = layer_groups(torch.nn.Sequential(body, torch.nn.Identity()))
    assert [p.shape for p in head] == [(3, 800), (3,)]
    assert len(early) == len(late) == 1


def test_names_of_files_and_classes(file: Path) -> None:
    file.write_text(BACKBONE)
    assert resolve_arch(str(file), pretrained=False) == f"{file}:Small"
    assert resolve_arch(f"{file}:Small", pretrained=False) == f"{file}:Small"
    assert resolve_arch(f"{file}:_Block", pretrained=False) == f"{file}:_Block"


NO_NETWORK = "from torch.nn import Linear\nclass Net: pass\n"
WRONG = {
    "no class": (NO_NETWORK, "", "defines no network: there is no class of torch's nn.Module"),
    "several": (BACKBONE + WHOLE, "", "defines 'Small', 'Whole'; say which, as in .*.py:Whole"),
    "typo": (BACKBONE, ":Smal", "has no network 'Smal'; did you mean 'Small'"),
    "not Python": ("def def", "", "can't be loaded: SyntaxError"),
    "import": ("import not_installed", "", "ModuleNotFoundError: No module named 'not_installed'"),
    "exit": ("raise SystemExit", "", "can't be loaded: SystemExit"),
    "argument": (
        BACKBONE.replace("channels=3", "channels, depth"), "",
        "the constructor of Small in .* needs 'depth', and is given only 'channels', .*'size'",
    ),
    "builds not": (
        BACKBONE.replace("super().__init__()", "raise ValueError('too deep')"), "",
        r"Small in .* can't be built with \(channels=3\): ValueError: too deep",
    ),
    "forward": (
        BACKBONE.replace("blocks(images)", "blocks(images[0, 0])"), "",
        r"fails on images of shape \(2, 3, 32, 32\): RuntimeError",
    ),
    "shape of a map": (
        BACKBONE.replace("self.blocks(images)", "self.blocks(images).mean((2, 3))"), "",
        r"gives \(2, 16\) for two images, expected \(2, features, height, width\), as its constr",
    ),
    "shape of outputs": (
        WHOLE.replace("** 2, outputs)", "** 2, outputs + 1)"), "",
        r"gives \(2, 4\) for two images, expected \(2, 3\), as its constructor takes 'outputs'",
    ),
    "no tensor": (BACKBONE.replace("return self", "return 1, self"), "", "gives tuple for two"),
    "kind of number": (
        BACKBONE.replace("blocks(images)", "blocks(images).int()"), "", "torch.int32, expected",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_one_sentence(name: str, file: Path) -> None:
    code, suffix, sentence = WRONG[name]
    file.write_text(code)
    task = tiny_task("lungs", train__arch=f"{file}{suffix}")
    with pytest.raises(ModelError) as caught:
        check_weights(task)
    said = str(caught.value)
    assert re.search(sentence, said), said
    assert str(file) in said
    assert "\n" not in said


def test_other_refusals(file: Path) -> None:
    file.write_text(WHOLE)
    cases = {
        "has no place for metadata": {"meta": ["age"], "source__meta": {"age": "age"}},
        "no Python file": {"train__arch": str(file.with_name("none.py"))},
    }
    for sentence, changes in cases.items():
        task = tiny_task("lungs", **{"train__arch": str(file), **changes})
        with pytest.raises(ModelError, match=sentence):
            make_body(task, download=False)
    with pytest.raises(ModelError, match="Whole' has no pretrained weights; start from random"):
        resolve_arch(str(file), pretrained=True)


RESTORE = """
import sys, torch
from fastmed.run import Run
learn = Run.open(sys.argv[1]).restore("cpu")
torch.manual_seed(0)
with torch.no_grad():
    print(learn.model(torch.randn(2, 3, 32, 32)).sum().item())
"""


@pytest.fixture(autouse=True)
def forget_loaded_code() -> Iterator[None]:
    """Let each test load code as a new process does."""
    yield
    forget()


def loaded() -> list[str]:
    return [name for name in sys.modules if name.startswith("fastmed_own_")]


def forget() -> None:
    for name in loaded():
        del sys.modules[name]


@pytest.fixture
def run(file: Path, phantoms: dict[str, Path], tmp_path: Path) -> Run:
    file.write_text(BACKBONE)
    task = tiny_task("lungs", train__arch=str(file), train__epochs=1)
    return train(task, phantoms["lungs"], runs=tmp_path / "runs", name="own", **CPU)


def outputs_of(run: Run) -> float:
    net = run.restore("cpu").model
    torch.manual_seed(0)
    with torch.no_grad():
        return net(torch.randn(2, 3, 32, 32)).sum().item()


def test_a_run_needs_the_users_file_no_more(run: Run, file: Path, tmp_path: Path) -> None:
    assert (run.path / "network.py").read_bytes() == file.read_bytes()
    assert '"my_net.py:Small"' in (run.path / "task.json").read_text(), "no folder of the user's"
    expected = outputs_of(run)
    file.unlink()
    forget()
    moved = Run.open(shutil.copytree(run.path, tmp_path / "moved"))
    assert outputs_of(moved) == expected


@pytest.mark.slow
def test_a_new_process_restores_it(run: Run, file: Path) -> None:
    expected = outputs_of(run)
    file.unlink()
    words = [sys.executable, "-c", RESTORE, str(run.path)]
    said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    assert float(said.splitlines()[-1]) == pytest.approx(expected, rel=1e-4)


def test_code_of_a_foreign_run_does_not_run_before_it_is_allowed(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: Callable
) -> None:
    """Another user, whose folder of state is another, has never trained with it."""
    monkeypatch.setenv("FASTMED_HOME", str(tmp_path / "another"))
    forget()
    with pytest.raises(RunError) as caught:
        run.restore("cpu")
    assert f"allow it with `fastmed trust {run.path}`" in str(caught.value)
    assert not loaded()
    said = command("trust", run.path)
    assert said.code == 0
    assert "may run on this machine from now on" in said.err
    run.restore("cpu")
    assert loaded()


def test_changed_code_of_an_own_run_is_foreign(run: Run, tmp_path: Path) -> None:
    code = run.path / "network.py"
    code.write_text(code.read_text() + f"\nopen({str(tmp_path / 'trapped')!r}, 'w')\n")
    with pytest.raises(RunError, match="came with the run, and restoring the run would execute"):
        run.restore("cpu")
    assert not (tmp_path / "trapped").exists()


def test_no_other_file_than_the_runs_is_ever_taken(run: Run, tmp_path: Path) -> None:
    """A run can't name code that lies elsewhere, not even code that may run."""
    task = run.path / "task.json"
    other = tmp_path / "other.py"
    other.write_text(f"open({str(tmp_path / 'trapped')!r}, 'w')\n{BACKBONE}")
    task.write_text(task.read_text().replace("my_net.py:Small", f"{other}:Small"))
    run.restore("cpu")
    assert not (tmp_path / "trapped").exists()


def test_trust_needs_code(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="holds no code to allow: there is no network.py in it"):
        trust_run(tmp_path)


def test_going_on_from_a_run_with_own_code(
    run: Run, file: Path, phantoms: dict[str, Path], tmp_path: Path
) -> None:
    start = {"train__pretrained": True, "train__weights": str(run.path), "train__epochs": 1}
    task = tiny_task("lungs", train__arch=run.task.train.arch, train__lr=1e-12, **start)
    second = train(task, phantoms["lungs"], runs=tmp_path / "runs", name="second", **CPU)
    first = run.restore("cpu").model.state_dict()
    for name, value in second.restore("cpu").model.named_parameters():
        torch.testing.assert_close(value, first[name])
    with pytest.raises(ModelError, match=r"is a .*network.py:Small, and the network to train is a"):
        check_weights(tiny_task("lungs", train__arch="test_resnet", **start))


def test_a_whole_network_trains_and_goes_on_with_other_classes(
    file: Path, phantoms: dict[str, Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="fastmed")
    file.write_text(WHOLE)
    task = tiny_task("lungs", train__arch=str(file), train__epochs=1)
    run = train(task, phantoms["lungs"], runs=tmp_path / "runs", name="whole", **CPU)
    assert "gives the outputs itself: the task's head is left out" in caplog.text
    given = backbone_of(run.restore("cpu").model).net
    start = {"train__pretrained": True, "train__weights": str(run.path), "train__lr": 1e-12}
    changed = tiny_task("pneumonia", train__arch=str(file), train__epochs=1, **start)
    other = train(changed, phantoms["pneumonia"], runs=tmp_path / "runs", name="other", **CPU)
    own = backbone_of(other.restore("cpu").model).net
    torch.testing.assert_close(own.first[0].weight, given.first[0].weight)
    assert (own.last.weight - given.last.weight).abs().max() > 1e-3

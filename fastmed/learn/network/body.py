"""The body of a task's network, whatever describes it: timm, a Python file, a hub."""

from fastmed.errors import ModelError
from fastmed.learn.network.backbone import Backbone, make_backbone
from fastmed.learn.network.hub import hub_weights, keep_config
from fastmed.learn.network.own_code import keep_code
from fastmed.learn.network.own_network import make_own
from fastmed.learn.network.weights import load_body_weights
from fastmed.network_files import is_code, is_hub
from fastmed.run import Run
from fastmed.task import Task


def make_body(task: Task, download: bool) -> Backbone:
    """Return the body of the task's network.

    Args:
        task: says which, for which size and how many channels.
        download: True to start from timm's pretrained weights, or from those on the hub.

    Raises:
        ModelError: it is unknown, can't be had or built, or doesn't fit the task.
        RunError: it is code of a run that the user hasn't allowed.
    """
    arch = task.train.arch
    if is_code(arch) and task.head.own:
        raise ModelError(f"head.own is for networks of timm, and train.arch is {arch}")
    if is_code(arch):
        return make_own(task)
    if not is_hub(arch):
        return make_backbone(task, download)
    body = make_backbone(task, download=False)
    if download:
        load_body_weights(body.net, hub_weights(arch))
    return body


def keep_description(task: Task, run: Run) -> None:
    """Write into a run what describes its network, if that is a file: the run needs no other."""
    if is_code(task.train.arch):
        keep_code(task.train.arch, run.path)
    elif is_hub(task.train.arch):
        keep_config(task.train.arch, run.path)

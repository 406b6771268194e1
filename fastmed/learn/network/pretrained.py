"""Pretrained weights of timm: from the local cache if they are there, else from the network."""

from pathlib import Path
from typing import Any

import timm
from huggingface_hub import constants, get_session, try_to_load_from_cache

from fastmed.errors import ModelError

_FILES = ("model.safetensors", "pytorch_model.bin")
_PATIENCE = 5  # seconds for the hub to answer at all
WAYS_OUT = (
    "connect to the network, or give a file with --weights FILE, or start from random weights "
    "with --no-pretrained"
)


def pretrained_arguments(name: str) -> dict[str, Any]:
    """Return the arguments that make timm start a network from its pretrained weights.

    Weights that were fetched before are used without the network.

    Raises:
        ModelError: they were not, and the hub can't be reached.
    """
    hub_name = _hub_name(name)
    if hub_name is None:
        return {"pretrained": True}
    cached = _cached(hub_name)
    if cached is not None:
        return {"pretrained": True, "pretrained_cfg_overlay": {"file": str(cached)}}
    check_reachable(name)
    return {"pretrained": True}


def cannot_download(name: str, error: Exception, ways_out: str = WAYS_OUT) -> ModelError:
    """Return the sentence that says why weights can't be had, and the ways out."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    what = f"the pretrained weights of '{name}'" if ways_out == WAYS_OUT else f"'{name}'"
    return ModelError(f"{what} can't be had ({lines[0][:160]}); {ways_out}")


def check_reachable(name: str, ways_out: str = WAYS_OUT) -> None:
    """Ask the hub once, since its own client tries again and again for most of a minute.

    Raises:
        ModelError: it doesn't answer.
    """
    if constants.HF_HUB_OFFLINE:
        raise cannot_download(name, ConnectionError("HF_HUB_OFFLINE is set"), ways_out)
    try:
        get_session().head(constants.ENDPOINT, timeout=_PATIENCE)
    except Exception:
        reason = ConnectionError("the model hub can't be reached")
        raise cannot_download(name, reason, ways_out) from None


def _hub_name(name: str) -> str | None:
    """Return the repository of the weights on the hub; None if they come from elsewhere."""
    config = timm.get_pretrained_cfg(name)
    if config is None or not config.hf_hub_id:
        return None
    if config.hf_hub_id != "timm/":
        return str(config.hf_hub_id)
    tag = f".{config.tag}" if config.tag else ""
    return f"timm/{config.architecture}{tag}"


def _cached(hub_name: str) -> Path | None:
    for file in _FILES:
        path = try_to_load_from_cache(hub_name, file)
        if isinstance(path, str):
            return Path(path)
    return None

"""Models of the Hugging Face hub, or of a folder like one there: ``hf-hub:OWNER/NAME``.

The hub says which timm network it is, with which arguments and for which pixels. Its weights are
read as any other file of weights is, so no code of theirs runs.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import timm
from huggingface_hub import hf_hub_download, try_to_load_from_cache

from fastmed.errors import ModelError, nearest
from fastmed.files import read_json, write_text
from fastmed.learn.network.pretrained import cannot_download, check_reachable
from fastmed.network_files import KEPT_CONFIG, place_of

CONFIG = "config.json"
WEIGHTS = ("model.safetensors", "pytorch_model.bin")
# What is never taken from a config: it is ours to say, or would read other files.
_OURS = {
    "pretrained", "pretrained_cfg", "pretrained_cfg_overlay", "checkpoint_path", "cache_dir",
    "num_classes", "in_chans", "features_only",
}  # fmt: skip


@dataclass(frozen=True)
class HubNetwork:
    """What a hub's config says of a network.

    Attributes:
        architecture: timm's name.
        arguments: of timm's constructor.
        mean, std: of the pixels that it was made for, on 0 to 1.
    """

    architecture: str
    arguments: dict[str, Any]
    mean: tuple[float, ...]
    std: tuple[float, ...]


def describe(arch: str) -> HubNetwork:
    """Return what the config of a hub's model says.

    Raises:
        ModelError: it can't be had, or is not of a timm network.
    """
    file = config_file(arch)
    try:
        content = read_json(file)
    except (OSError, ValueError) as error:
        raise ModelError(f"{file} can't be read as a model's config ({error})") from None
    if not isinstance(content, dict) or not isinstance(content.get("architecture"), str):
        raise ModelError(f"'{arch}' is not a model of timm: its {CONFIG} names no 'architecture'")
    name = content["architecture"]
    if not timm.is_model(name):
        close = nearest(name, timm.list_models())
        raise ModelError(f"'{arch}' is a '{name}', which this timm doesn't have{close}")
    pixels = content.get("pretrained_cfg", content)
    arguments = content.get("model_args") or {}
    if not isinstance(pixels, dict) or not isinstance(arguments, dict):
        raise ModelError(f"{file} is not as timm writes a model's config")
    kept = {key: value for key, value in arguments.items() if key not in _OURS}
    return HubNetwork(name, kept, *_normalization(pixels, file))


def config_file(arch: str) -> Path:
    """Return the config of a hub's model: of the folder, the hub's cache, or downloaded."""
    place, is_folder = place_of(arch)
    if is_folder:
        return _in_folder(Path(place), (CONFIG,), arch)
    return _from_hub(place, (CONFIG,), arch)


def hub_weights(arch: str) -> Path:
    """Return the file of weights of a hub's model: of the folder, the cache, or downloaded."""
    place, is_folder = place_of(arch)
    if is_folder:
        return _in_folder(Path(place), WEIGHTS, arch)
    return _from_hub(place, WEIGHTS, arch)


def keep_config(arch: str, run: Path) -> None:
    """Write a copy of the config into a run, from which the network can be built again."""
    write_text(run / KEPT_CONFIG, config_file(arch).read_text(encoding="utf-8"))


def _in_folder(folder: Path, names: tuple[str, ...], arch: str) -> Path:
    found = [folder / name for name in names if (folder / name).is_file()]
    if not found:
        raise ModelError(
            f"'{arch}': there is no {' or '.join(names)} in '{folder}'; name a folder as the "
            "Hugging Face hub has them"
        )
    return found[0]


def _from_hub(place: str, names: tuple[str, ...], arch: str) -> Path:
    repository, _, revision = place.partition("@")
    options = {"revision": revision or None}
    cached = (try_to_load_from_cache(repository, name, **options) for name in names)
    found = next((path for path in _checked(cached, arch) if isinstance(path, str)), None)
    return Path(found) if found else _download(repository, names, arch, options)


def _checked(cached: Iterator[Any], arch: str) -> Iterator[Any]:
    try:
        yield from cached
    except ValueError:
        raise ModelError(
            f"'{arch}' is no name of a model on the hub; expected hf-hub:OWNER/NAME"
        ) from None


def _download(repository: str, names: tuple[str, ...], arch: str, options: dict[str, Any]) -> Path:
    check_reachable(arch, _ways_out(arch))
    problem: Exception | None = None
    for name in names:
        try:
            return Path(hf_hub_download(repository, name, **options))
        except Exception as error:
            problem = problem or error
    raise cannot_download(arch, problem or FileNotFoundError(names[0]), _ways_out(arch)) from None


def _ways_out(arch: str) -> str:
    return (
        "connect to the network, or fetch it elsewhere, copy the folder of its files and name it "
        f"as in --arch local-dir:{Path(place_of(arch)[0].partition('@')[0]).name}"
    )


def _normalization(
    pixels: dict[str, Any], file: Path
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    mean = pixels.get("mean", timm.data.IMAGENET_DEFAULT_MEAN)
    std = pixels.get("std", timm.data.IMAGENET_DEFAULT_STD)
    try:
        found = tuple(float(x) for x in mean), tuple(float(x) for x in std)
    except (TypeError, ValueError):
        found = ((), ())
    if not len(found[0]) == len(found[1]) == 3 or min(found[1]) <= 0:
        raise ModelError(f"{file} holds no mean and deviation of three channels")
    return found

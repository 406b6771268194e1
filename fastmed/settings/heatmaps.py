"""The names of the ways to make heat maps."""

from typing import Literal, get_args

from fastmed.errors import TaskError, nearest

HeatmapMethod = Literal["gradcam", "hirescam", "occlusion", "integrated_gradients"]
METHOD_NAMES: tuple[str, ...] = get_args(HeatmapMethod)
OF_A_MAP = ("gradcam", "hirescam")  # need a feature map, which a whole network doesn't give


def check_method_name(name: str) -> str:
    """Return the name of a method.

    Raises:
        TaskError: there is no such method; the nearest is said.
    """
    if name not in METHOD_NAMES:
        close = nearest(name, METHOD_NAMES) or f"; known are {', '.join(METHOD_NAMES)}"
        raise TaskError(f"no method of heat maps '{name}'{close}")
    return name

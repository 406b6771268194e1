"""The step of a DataBlock that opens an image as the network sees it."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from fastai.vision.core import PILImage, PILImageBW
from fasttransform import Transform
from PIL import Image

from fastmed.data.operations.transform import prepare
from fastmed.data.pixels.image import open_image, open_item
from fastmed.data.store.cache import Cache
from fastmed.data.store.decoding import digest_of
from fastmed.errors import DataError
from fastmed.learn.input.cached import Stored, stored_items
from fastmed.settings.image import ImageSettings


class OpenImage(Transform):
    """Opens a row of the items table (or a path, or pixels) as the network's square image."""

    input_types = (pd.Series, str, Path, np.ndarray)  # what ``learn.predict`` may be given

    def __init__(self, root: Path, settings: ImageSettings, cache: Cache | None = None) -> None:
        super().__init__()
        self.root, self.settings, self.cache = root, settings, cache

    def encodes(self, item: Any) -> PILImage:
        """Return the image, (size, size) RGB, or grey for a network of one channel."""
        pixels = Image.fromarray(prepare(self._pixels(item), self.settings))
        if self.settings.channels == 1:
            return PILImageBW.create(np.asarray(pixels.convert("L")))
        return PILImage.create(np.asarray(pixels.convert("RGB")))

    def stored(self, items: Any) -> Stored | None:
        """Return where the images of items are in the cache; None if one is not there."""
        return stored_items(self.cache, items, self.root)

    def _pixels(self, item: Any) -> np.ndarray:
        if isinstance(item, np.ndarray):
            return item
        if isinstance(item, str | Path):
            return open_image(self.root / item, self.settings).pixels
        if not item["image"]:
            return np.zeros((8, 8), np.uint8)
        file, content = self.root / item["image"], item.get("content", "")
        if not item["array"] and content and file.is_file():
            _check_unchanged(file, file, content)
        place = item["image"], item["array"], item["index"]
        pixels = open_item(self.root, *place, settings=self.settings).pixels
        if item["array"] and content:
            _check_unchanged(pixels, file, content)
        return pixels


def _check_unchanged(found: Path | np.ndarray, file: Path, content: str) -> None:
    """Refuse a file, before it is decoded, or a row of an array, that was not inspected."""
    if digest_of(found) != content:
        raise DataError(
            f"{file}: it has changed since it was inspected; put the old file back, or begin anew"
        )

"""Metadata as a second input of fastai: a tensor that shows itself, and its block."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from fastai.data.block import TransformBlock
from fastai.data.core import DataLoaders, show_batch
from fastai.torch_core import TensorBase
from fastai.vision.core import TensorImage, TensorImageBW
from fastai.vision.data import get_grid
from fastai.vision.learner import show_results
from fastcore.foundation import L
from fasttransform import Transform
from matplotlib.axes import Axes

from fastmed.data.metadata import MetadataEncoder


class TensorMetadata(TensorBase):
    """Encoded metadata: (width,) of an image, (B, width) of a batch."""


Inputs = tuple[TensorImage | TensorImageBW, TensorMetadata]


class ShownMetadata(str):
    """Metadata in words, which stand on the lower edge of the image that they belong to."""

    __slots__ = ()

    def show(self, ctx: Axes | None = None, **options: Any) -> Axes | None:
        """Write the words on the axes; without any there is nothing to write on."""
        if ctx is not None:
            box: dict[str, Any] = {"facecolor": "black", "alpha": 0.6, "linewidth": 0, "pad": 1.5}
            style: dict[str, Any] = {
                "color": "white",
                "fontsize": "small",
                "ha": "center",
                "va": "bottom",
            }
            ctx.text(0.5, 0.02, self, transform=ctx.transAxes, bbox=box, **style)
        return ctx


class EncodeMetadata(Transform):
    """Encodes the metadata of a row of items; of anything else nothing is known."""

    input_types = (pd.Series, str, Path, np.ndarray)  # what ``learn.predict`` may be given

    def __init__(self, encoder: MetadataEncoder) -> None:
        super().__init__()
        self.encoder = encoder

    def encodes(self, item: Any) -> TensorMetadata:
        """Return the metadata, (width,)."""
        known = isinstance(item, pd.Series)
        return TensorMetadata(self.encoder.encode_row(item) if known else self.encoder.missing)

    def decodes(self, encoded: TensorMetadata) -> ShownMetadata:
        """Return the metadata in words."""
        return ShownMetadata(self.encoder.decode(encoded.tolist()))


def metadata_block(encoder: MetadataEncoder) -> TransformBlock:
    """Return the block of a DataBlock that feeds metadata to a network."""
    return TransformBlock(type_tfms=EncodeMetadata(encoder))


def encoder_of(dls: DataLoaders) -> MetadataEncoder:
    """Return the encoder of the metadata that loaders give."""
    steps = [step for inputs in dls.train_ds.tls for step in inputs.tfms.fs]
    encoder: MetadataEncoder = next(s.encoder for s in steps if isinstance(s, EncodeMetadata))
    return encoder


@show_batch.dispatch
def show_batch_with_metadata(
    x: Inputs, y: Any, samples: Any, *, ctxs: Any = None, max_n: int = 9, **options: Any
) -> Any:
    """Show images with their target and their metadata."""
    grid = ctxs or get_grid(min(len(samples), max_n), **options)
    show_batch(x[0], y, _pictures(samples), ctxs=grid, max_n=max_n)
    return _write_metadata(samples, grid)


@show_results.dispatch
def show_results_with_metadata(
    x: Inputs, y: Any, samples: Any, outs: Any, *, ctxs: Any = None, max_n: int = 9, **options: Any
) -> Any:
    """Show images with target, prediction and metadata."""
    grid = ctxs or get_grid(min(len(samples), max_n), **options)
    show_results(x[0], y, _pictures(samples), outs, ctxs=grid, max_n=max_n)
    return _write_metadata(samples, grid)


def _pictures(samples: Any) -> L:
    """Return samples (image, metadata, target) without their metadata."""
    return L((image, *rest) for image, _, *rest in samples)


def _write_metadata(samples: Any, grid: Any) -> Any:
    for axes, sample in zip(grid, samples, strict=False):
        sample[1].show(ctx=axes)
    return grid

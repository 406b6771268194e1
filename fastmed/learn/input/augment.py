"""Random changes of training images by fastai's batch transforms, and when they happen."""

from collections.abc import Iterable

from fastai.callback.core import Callback
from fastai.vision.augment import Dihedral, Flip, RandTransform, aug_transforms
from fastcore.foundation import L
from fasttransform import Pipeline, Transform

from fastmed.learn.input.few_passes import in_few_passes
from fastmed.learn.input.stain_jitter import StainJitter
from fastmed.settings.augment import AugmentSettings

_VERTICAL = 2  # fastai's number of the dihedral transformation that turns upside down


def make_augmentation(settings: AugmentSettings) -> list[Transform]:
    """Return fastai batch transforms; affine ones are joined into one resampling."""
    if not settings.active:
        return []
    others = []
    if settings.flip_horizontal:
        others.append(Flip(p=settings.flip_horizontal))
    if settings.flip_vertical:
        others.append(Dihedral(p=settings.flip_vertical, draw=_VERTICAL))
    if settings.hed:
        others.append(StainJitter(settings.hed))
    composed = aug_transforms(
        do_flip=False,
        max_rotate=settings.rotate,
        max_zoom=settings.zoom,
        max_warp=settings.warp,
        max_lighting=settings.light,
        p_affine=settings.affine_probability,
        p_lighting=settings.light_probability,
        xtra_tfms=others,
    )
    return [in_few_passes(transform) for transform in composed]


class AugmentEpochs(Callback):
    """Leaves the augmentation out of epochs that the task doesn't name.

    Args:
        settings: with the first and the last epoch, counted from 1 over all phases.
        done: returns how many epochs were trained before this fit.
    """

    run_valid = False

    def __init__(self, settings: AugmentSettings, done: int = 0) -> None:
        self.settings, self.done = settings, done

    def before_fit(self) -> None:
        """Remember the whole pipeline."""
        self.whole = list(self.learn.dls.train.after_batch.fs)

    def before_epoch(self) -> None:
        """Choose the pipeline of this epoch."""
        epoch = self.done + self.epoch + 1
        last = self.settings.last_epoch or epoch
        within = self.settings.first_epoch <= epoch <= last
        kept = self.whole if within else without_augmentation(self.whole)
        self._pipeline().fs = L(kept)

    def after_fit(self) -> None:
        """Put the whole pipeline back."""
        self._pipeline().fs = L(self.whole)

    def _pipeline(self) -> Pipeline:
        return self.learn.dls.train.after_batch


def without_augmentation(transforms: Iterable[Transform]) -> list[Transform]:
    """Return the transforms that every image goes through, also outside of training."""
    return [transform for transform in transforms if not isinstance(transform, RandTransform)]

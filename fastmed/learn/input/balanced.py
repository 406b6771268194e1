"""A loader that draws every class as often."""

from functools import cached_property

from fastmed.data.balance import draw_weights
from fastmed.learn.input.cached import CachedLoader


class BalancedLoader(CachedLoader):
    """Draws the images of each epoch anew, with replacement, every class with the same chance.

    An epoch has as many images as ever: of a common class some don't come, of a rare one some come
    several times. Loaders that don't shuffle, as those of the validation part, draw nothing.
    """

    @cached_property
    def chances(self) -> list[float]:
        """The relative chance of each image."""
        return draw_weights(self.dataset.items["target"]).tolist()

    def draw(self) -> list[int]:
        """Return the positions of an epoch's images for all processes, in its order."""
        if not self.shuffle:
            return super().draw()
        return self.rng.choices(range(len(self.chances)), self.chances, k=len(self.chances))

"""Images as the network sees them, one after the other: from the cache, or decoded."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from itertools import groupby, islice
from typing import Self

from fastmed.data.store.cache import Cache, Kept
from fastmed.data.store.decoding import Decoded, Place, decode, decoders
from fastmed.data.store.keeping import put_or_warn
from fastmed.settings.image import ImageSettings

_TOGETHER = 128  # images that are put into the cache at a time
_LOOKED_UP = 2**21  # pixels that are taken out of it at a time
_NOT_KEPT = "decoded images can't be kept in {}; they are decoded each time"


class Reader:
    """Reads images as the network sees them, file after file, by processes that stay.

    It is to be used in a ``with`` statement, at whose end the processes end.

    Args:
        settings: how images are read and prepared.
        cache: of these settings, that is looked into; None looks nowhere.
        processes: that decode; None takes one a core.
        keep: put what had to be decoded into the cache.
    """

    def __init__(
        self,
        settings: ImageSettings,
        cache: Cache | None = None,
        processes: int | None = None,
        keep: bool = False,
    ) -> None:
        self.settings, self.cache = settings, cache
        self._keeper = cache if keep else None
        self._crew = decoders(settings, processes)
        self._new: list[tuple[Place, Decoded]] = []
        self._stack = ExitStack()
        self._decode: Callable[[Sequence[Place]], Iterator[Decoded]] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._stack.close()

    def read(self, places: Sequence[Place]) -> Iterator[Decoded]:
        """Yield images in order; one that can't be read comes with its reason."""
        kept = self.cache.find(places) if self.cache else {}
        missing = [place for place in places if place not in kept]
        decoded = self._decoded(missing) if missing else iter(())
        kinds = groupby(places, lambda place: kept[place].colour if place in kept else None)
        for colour, some in kinds:
            if self.cache and colour is not None:
                yield from _looked_up(self.cache, [kept[place] for place in some])
            else:
                yield from islice(decoded, len(list(some)))
        self._put()

    def _decoded(self, places: Sequence[Place]) -> Iterator[Decoded]:
        """Yield images that had to be decoded, and keep them."""
        files = [place for place in places if not place.array]
        found = self._files(files) if files else iter(())
        for place in places:
            one = decode(place, self.settings) if place.array else next(found)
            if self._keeper is not None and not one.reason:
                self._new.append((place, one))
            if len(self._new) == _TOGETHER:
                self._put()
            yield one

    def _files(self, places: Sequence[Place]) -> Iterator[Decoded]:
        if self._decode is None:
            self._decode = self._stack.enter_context(self._crew.at_work())
        return self._decode(places)

    def _put(self) -> None:
        self._keeper = put_or_warn(self._keeper, self._new, _NOT_KEPT)
        self._new.clear()


def _looked_up(cache: Cache, entries: Sequence[Kept]) -> Iterator[Decoded]:
    """Yield images of one kind from a cache, some at a time."""
    count = max(1, _LOOKED_UP // cache.side**2)
    for first in range(0, len(entries), count):
        some = entries[first : first + count]
        for entry, pixels in zip(some, cache.pixels(some), strict=True):
            yield Decoded(pixels, *entry[:5])


def prepared_images(
    places: Sequence[Place], settings: ImageSettings, cache: Cache | None = None
) -> Iterator[Decoded]:
    """Yield images as the network sees them, in order.

    Args:
        places: of the images.
        settings: how they are read and prepared.
        cache: of these settings; images that it doesn't keep are decoded, files in processes of
            their own.
    """
    with Reader(settings, cache) as reader:
        yield from reader.read(places)

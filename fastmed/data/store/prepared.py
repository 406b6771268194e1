"""Images as the network sees them, one after the other: from the cache, or decoded."""

from collections.abc import Iterator, Sequence

from fastmed.data.store.cache import Cache
from fastmed.data.store.decoding import Decoded, Place, decode, decode_all
from fastmed.settings.image import ImageSettings


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
    kept = cache.find(places) if cache else {}
    missing = [place for place in places if place not in kept and not place.array]
    decoded = decode_all(missing, settings) if missing else iter(())
    for place in places:
        if cache and place in kept:
            entry = kept[place]
            yield Decoded(cache.pixels([entry])[0], *entry[:5])
        else:
            yield decode(place, settings) if place.array else next(decoded)

"""One frame of a file, decoded by one named decoder."""

from io import BytesIO
from typing import Any

import numpy as np
from pydicom.encaps import encapsulate
from pydicom.pixels import get_decoder
from pydicom.pixels.decoders.base import Decoder
from pydicom.uid import UID, JPEGBaseline8Bit, JPEGExtended12Bit

from fastmed.data.pixels.dicom.announced import Announced
from fastmed.data.pixels.dicom.codestream import checked_colours
from fastmed.data.pixels.dicom.container import Container
from fastmed.data.pixels.dicom.fields import Fields
from fastmed.data.pixels.dicom.frame import Frame
from fastmed.data.pixels.dicom.pieces import compressed_frame
from fastmed.data.pixels.scaling import UnreadableError

NATIVE = "pydicom"  # the decoder of pixels that are not compressed

# The first that is installed decodes, so that a file is always read the same way. A second one is
# never tried: it might return what the first found to be broken.
_ORDER: tuple[str, ...] = ("pylibjpeg", "pyjpegls", "gdcm", "pillow", "pydicom")
_ORDER_OF_JPEG: tuple[str, ...] = ("pillow", "pylibjpeg", "gdcm")
_ORDER_OF_12_BITS: tuple[str, ...] = ("pylibjpeg",)


def decode_frame(container: Container, found: Announced, fields: Fields, index: int) -> Frame:
    """Return a frame of a file; colours are RGB.

    Raises:
        UnreadableError: the frame is broken or cut off, or no decoder for it is installed.
    """
    try:
        decoder = get_decoder(container.syntax)
    except NotImplementedError:
        name = _name(container.syntax)
        raise UnreadableError(f"its pixels are {name}, which fastmed doesn't read") from None
    if container.compressed:
        name = _plugin(decoder, found)
        compressed = compressed_frame(container.source, found, fields, index)
        values = _decompressed(decoder, name, found, compressed)
    else:
        name, values = NATIVE, _native(decoder, container, found, index)
    return Frame(values, found, fields, index, container.source.little, name)


def installed(decoder: Decoder) -> tuple[str, ...]:
    """Return the names of the plugins that are installed for a transfer syntax."""
    return tuple(decoder.available_plugins)


def _native(decoder: Decoder, container: Container, found: Announced, index: int) -> np.ndarray:
    """Return a frame that is stored without compression."""
    container.source.stream.seek(found.element.start)
    values, _ = decoder.as_array(container.source.stream, index=index, **_options(found))
    if found.unused_low and not found.floats:
        values >>= found.unused_low
    return np.asarray(values)


def _decompressed(decoder: Decoder, plugin: str, found: Announced, frame: bytes) -> np.ndarray:
    """Return a frame that was compressed."""
    options = _options(found) | {
        "photometric_interpretation": checked_colours(frame, decoder.UID, found),
        "number_of_frames": 1,
        "bits_stored": found.stored,
    }
    stream = BytesIO(encapsulate([frame], has_bot=False))
    try:
        values, _ = decoder.as_array(stream, index=0, decoding_plugin=plugin, **options)
    except (MemoryError, KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # decoders in Rust panic with an exception of their own
        cause = str(error).strip().splitlines() or [type(error).__name__]
        raise UnreadableError(
            f"its {_name(decoder.UID)} pixels can't be decoded ({cause[-1].strip().rstrip('.:')})"
        ) from None
    return np.asarray(values)


def _options(found: Announced) -> dict[str, Any]:
    """Return what pydicom's decoders ask for."""
    return {
        "rows": found.rows,
        "columns": found.columns,
        "samples_per_pixel": found.samples,
        "photometric_interpretation": found.photometric,
        "planar_configuration": found.planar,
        "bits_allocated": found.allocated,
        "bits_stored": found.stored + found.unused_low,
        "pixel_representation": int(found.signed),
        "number_of_frames": found.frames,
        "pixel_keyword": found.keyword,
        "pixel_vr": found.element.vr or "OW",
    }


def _plugin(decoder: Decoder, found: Announced) -> str:
    """Return the name of the plugin that decodes a transfer syntax."""
    lossy = decoder.UID in (JPEGBaseline8Bit, JPEGExtended12Bit)
    order = _ORDER_OF_JPEG if lossy else _ORDER
    if lossy and found.stored > 8:
        order = _ORDER_OF_12_BITS
    there = installed(decoder)
    for name in order:
        if name in there:
            return name
    if lossy:
        raise UnreadableError(
            "JPEG of 12 bits needs a decoder that is under the GPL, and therefore no part of "
            "fastmed; try `pip install pylibjpeg-libjpeg`"
        )
    raise UnreadableError(
        f"{_name(decoder.UID)} needs a decoder that is not installed; "
        'try `pip install "fastmed[gdcm]"`'
    )


def _name(syntax: UID) -> str:
    """Return what people call a transfer syntax."""
    return syntax.name.split(",")[0] if syntax.name != syntax else f"of transfer syntax {syntax}"

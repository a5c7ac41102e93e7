"""Compress pictures for a page, into no more bytes than are granted."""

from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

_QUALITIES: Final = (70, 55, 42, 30, 20, 10)
_WEBP: Final = '.webp'


def compress(picture: NDArray[Any], budget: int) -> bytes:
    """Give grey or BGR uint8 pixels as WebP (JPEG where OpenCV lacks that) at the best quality.

    That is the best of some at which it fits into ``budget`` bytes; where none does it is shrunk
    and blown up again before, so its width and height stay.
    """
    height, width = picture.shape[:2]
    for shrunk in (1, 2, 4, 8):
        simpler = picture
        if shrunk > 1:
            small = (max(1, width // shrunk), max(1, height // shrunk))
            simpler = cv2.resize(picture, small, interpolation=cv2.INTER_AREA)
            simpler = cv2.resize(simpler, (width, height), interpolation=cv2.INTER_LINEAR)
        for quality in _QUALITIES:
            data = _encode(simpler, quality)
            if len(data) <= budget:
                return data
    # A flat picture takes next to nothing.
    return _encode(np.full_like(picture, int(picture.mean())), _QUALITIES[-1])


def media_type() -> str:
    """Name the format that :func:`compress` writes."""
    return 'image/webp' if cv2.haveImageWriter(_WEBP) else 'image/jpeg'


def _encode(picture: NDArray[Any], quality: int) -> bytes:
    if cv2.haveImageWriter(_WEBP):
        _, data = cv2.imencode(_WEBP, picture, [cv2.IMWRITE_WEBP_QUALITY, quality])
    else:
        _, data = cv2.imencode('.jpg', picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return data.tobytes()

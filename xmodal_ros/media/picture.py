# Copyright 2026 xmodal_ros maintainers
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

"""Compress pictures for a page, into no more bytes than are granted."""

from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

# How much a picture is shrunk, and the quality it is written in, best first.
_STEPS: Final = (
    *((1, quality) for quality in (70, 55, 42, 30, 20, 10)),
    *((shrunk, quality) for shrunk in (2, 4, 8) for quality in (40, 15)),
)
_WEBP: Final = '.webp'
_QUICK_QUALITY: Final = 75


def compress(picture: NDArray[Any], budget: int) -> bytes:
    """Give grey or BGR uint8 pixels as WebP (JPEG where OpenCV lacks that) at the best quality.

    That is the best of some at which it fits into ``budget`` bytes; the poorest of them are
    shrunk and blown up again, so width and height stay. Where nothing fits it becomes flat.
    """
    best = _encode(picture, *_STEPS[0])
    if len(best) <= budget:
        return best
    # A flat picture takes next to nothing.
    found = _encode(np.full_like(picture, int(picture.mean())), *_STEPS[-1])
    # Sizes fall from step to step, but for a few bytes: halve the steps, do not try each.
    low, high = 1, len(_STEPS)
    while low < high:
        middle = (low + high) // 2
        data = _encode(picture, *_STEPS[middle])
        if len(data) <= budget:
            found, high = data, middle
        else:
            low = middle + 1
    return found


def compress_quickly(picture: NDArray[Any]) -> bytes:
    """Give grey or BGR uint8 pixels as JPEG, in a tenth of the time and some more bytes."""
    _, data = cv2.imencode('.jpg', picture, [cv2.IMWRITE_JPEG_QUALITY, _QUICK_QUALITY])
    return data.tobytes()


def media_type() -> str:
    """Name the format that :func:`compress` writes."""
    return 'image/webp' if cv2.haveImageWriter(_WEBP) else 'image/jpeg'


def _encode(picture: NDArray[Any], shrunk: int, quality: int) -> bytes:
    if shrunk > 1:
        height, width = picture.shape[:2]
        small = (max(1, width // shrunk), max(1, height // shrunk))
        picture = cv2.resize(picture, small, interpolation=cv2.INTER_AREA)
        picture = cv2.resize(picture, (width, height), interpolation=cv2.INTER_LINEAR)
    if cv2.haveImageWriter(_WEBP):
        _, data = cv2.imencode(_WEBP, picture, [cv2.IMWRITE_WEBP_QUALITY, quality])
    else:
        _, data = cv2.imencode('.jpg', picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return data.tobytes()

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

"""Pictures with what was recognised drawn into them: numpy and OpenCV only."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
import unicodedata

import cv2
import numpy as np
from numpy.typing import NDArray

from xmodal_ros.activities import UNKNOWN
from xmodal_ros.modalities.camera.contents import read_details
from xmodal_ros.modalities.camera.decoder import CameraDecoder
from xmodal_ros.modalities.camera.stream import CameraPixels
from xmodal_ros.streams.sample import DecodeError

Picture = NDArray[np.uint8]

_FONT: Final = cv2.FONT_HERSHEY_SIMPLEX
# Height of a line of text, as a share of the picture's.
_LINE: Final = 0.055
_LEAST_LINE: Final = 9
# Height of the font's capitals in pixels at scale 1.
_CAPITALS: Final = 22
_PANEL: Final = 0.42
_WHITE: Final = (255, 255, 255)
_GREY: Final = (170, 170, 170)
_GREEN: Final = (90, 200, 90)
_YELLOW: Final = (235, 200, 60)
# Nothing nearer is measured; noise would otherwise overflow.
_NEAREST_M: Final = 1e-3
_LARGEST_SIDE: Final = 1 << 13


@dataclass(frozen=True)
class Image:
    """A camera's message: ``picture`` (height, width, 3) uint8 RGB, depth as grey, near is bright.

    ``stamp_ns`` and ``frame_id`` are those of its header.
    """

    stamp_ns: int
    frame_id: str
    picture: Picture


@dataclass(frozen=True)
class Caption:
    """What to draw: the decision and other classes by score, and what it rests on.

    Without ``scores``, ``source`` says why there is nothing to say.
    """

    scores: Sequence[tuple[str, float]]
    source: str = ''


def read_image(msgtype: str, data: bytes) -> Image:
    """Decode a serialized ``sensor_msgs/Image`` or ``CompressedImage`` at its full size.

    Raises :class:`DecodeError` where it cannot be shown.
    """
    details = read_details(msgtype, data)
    height, width = details.height, details.width
    if not 0 < height <= _LARGEST_SIDE or not 0 < width <= _LARGEST_SIDE:
        raise DecodeError('size', f'an image of {width}x{height} pixels cannot be shown')
    pixels: CameraPixels = 'depth' if details.is_depth else 'rgb'
    sample = CameraDecoder(msgtype, pixels, height, width)(data)
    values: NDArray[Any] = sample.values
    picture = _grey(values) if pixels == 'depth' else np.ascontiguousarray(values, np.uint8)
    return Image(sample.stamp_ns, sample.frame_id, picture)


def annotate(image: Image, caption: Caption, most_classes: int) -> Picture:
    """Give a copy of the picture with a panel: label, source, and a bar for each class."""
    picture = image.picture.copy()
    height, width = picture.shape[:2]
    line = max(_LEAST_LINE, round(_LINE * height))
    bars = caption.scores[: max(0, most_classes)]
    panel_height = min(height, round(line * (2.8 + len(bars))))
    panel_width = min(width, max(round(_PANEL * width), 11 * line))
    panel = picture[:panel_height, :panel_width]
    # Dark enough to read on any picture, and what is behind still shows.
    panel[:] = (panel * 0.35).astype(np.uint8)
    if caption.scores:
        label, score = caption.scores[0]
        colour = _YELLOW if label == UNKNOWN else _GREEN
        _write(panel, f'{label} {score:.2f}', 1.25 * line, line * 1.15, colour)
    else:
        _write(panel, 'no label', 1.25 * line, line * 1.15, _GREY)
    _write(panel, caption.source, 2.2 * line, line * 0.75, _GREY)
    for row, (name, score) in enumerate(bars):
        _draw_bar(panel, name, score, (2.6 + row) * line, line)
    return picture


def _draw_bar(panel: Picture, name: str, score: float, top: float, line: int) -> None:
    width = panel.shape[1]
    left, right = round(0.5 * width), width - line // 2
    share = min(1.0, max(0.0, score)) if np.isfinite(score) else 0.0
    low, high = round(top + 0.15 * line), round(top + 0.75 * line)
    cv2.rectangle(panel, (left, low), (right, high), _GREY, 1)
    if share:
        cv2.rectangle(panel, (left, low), (left + round(share * (right - left)), high), _GREY, -1)
    # The name must not run into its bar.
    _write(panel[:, :left], name, top + 0.75 * line, line * 0.7, _WHITE)


def _write(
    panel: Picture, text: str, baseline: float, height: float, colour: tuple[int, int, int]
) -> None:
    scale = max(0.25, height * 0.72 / _CAPITALS)
    thickness = 2 if scale > 0.8 else 1
    x = round(height / 3)
    shown = _drawable(text)
    (length, _), _ = cv2.getTextSize(shown, _FONT, scale, thickness)
    room = panel.shape[1] - x
    if length > room > 0:
        scale = max(0.2, scale * room / length)
    # A part of an array is no memory of its own, which OpenCV wants to draw on.
    canvas = np.ascontiguousarray(panel)
    cv2.putText(canvas, shown, (x, round(baseline)), _FONT, scale, colour, thickness, cv2.LINE_AA)
    panel[:] = canvas


def _drawable(text: str) -> str:
    """Write a name in the letters that OpenCV's font has: accents go, other letters become ?."""
    plain = unicodedata.normalize('NFKD', text)
    kept = ''.join(letter for letter in plain if not unicodedata.combining(letter))
    return kept.encode('ascii', 'replace').decode()


def _grey(depth: NDArray[Any]) -> Picture:
    """Turn metres (height, width, 1) into grey by disparity: near is bright, unknown is black."""
    known = np.isfinite(depth) & (depth > 0)
    if not known.any():
        return np.zeros((*depth.shape[:2], 3), np.uint8)
    inverse = np.where(known, 1 / np.where(known, np.maximum(depth, _NEAREST_M), 1), 0)
    # A single pixel at the lens must not darken all others.
    brightest = float(np.percentile(inverse[known], 99))
    grey = np.clip(inverse / brightest * 255, 0, 255).astype(np.uint8)
    return np.ascontiguousarray(np.repeat(grey, 3, axis=2))

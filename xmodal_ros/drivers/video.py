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

"""Cameras, files and streams through OpenCV."""

from dataclasses import dataclass
import os
from pathlib import Path
import re
from typing import Any, Final, Literal
from urllib.parse import urlsplit, urlunsplit

import cv2
import numpy as np
from numpy.typing import NDArray

from xmodal_ros.errors import DriverError

Kind = Literal['device', 'file', 'stream']
Frame = NDArray[np.uint8]

# A stream that says nothing for so long is taken for broken.
TIMEOUT_S: Final = 3.0
_TIMEOUT: Final = (
    *(cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, int(TIMEOUT_S * 1000)),
    *(cv2.CAP_PROP_READ_TIMEOUT_MSEC, int(TIMEOUT_S * 1000)),
)
_NUMBERED: Final = re.compile(r'/dev/video(\d+)')
# What a file that does not say how fast it is gets played at.
_DEFAULT_FPS: Final = 25.0
_HIGHEST_FPS: Final = 1000.0


@dataclass(frozen=True)
class Video:
    """What to take pictures from; 0 leaves rate, width and height as they come.

    ``source`` is a camera's number or path, a file, or a URL. Devices are asked for rate and
    size; pictures of another size are scaled.
    """

    source: str = '0'
    rate_hz: float = 0.0
    width: int = 0
    height: int = 0

    @property
    def kind(self) -> Kind:
        """What the source is, by the look of it."""
        if '://' in self.source:
            return 'stream'
        if self.source.isdecimal() or self.source.startswith('/dev/'):
            return 'device'
        return 'file'

    @property
    def shown(self) -> str:
        """The source as anybody may see it: without the user name and password of a URL."""
        if self.kind != 'stream':
            return self.source
        try:
            parts = urlsplit(self.source)
        except ValueError:
            return 'the URL'
        return urlunsplit(parts._replace(netloc=parts.netloc.rpartition('@')[2]))


class OpenVideo:
    """An open camera, file or stream.

    Raises :class:`DriverError` when it cannot be opened, saying what is there instead.
    """

    def __init__(self, wanted: Video) -> None:
        self._wanted = wanted
        self._capture = _open(wanted)
        if not self._capture.isOpened():
            self._capture.release()
            raise DriverError(_refusal(wanted))
        if wanted.kind == 'device':
            self._ask()
        self.backend: Final = str(self._capture.getBackendName())
        stated = float(self._capture.get(cv2.CAP_PROP_FPS))
        # NaN and the nonsense that broken headers hold compare as false.
        self.fps: Final = stated if 0 < stated <= _HIGHEST_FPS else _DEFAULT_FPS

    def grab(self) -> bool:
        """Wait for the next frame; False at the end of a file, and when a camera has gone."""
        return bool(self._capture.grab())

    def retrieve(self) -> Frame | None:
        """Decode the frame grabbed: (height, width, 3) uint8, BGR; None where it is damaged."""
        frame: Any
        good, frame = self._capture.retrieve()
        if not good or frame is None or not frame.size:
            return None
        return self._scale(_as_bgr(frame))

    def close(self) -> None:
        """Let it go."""
        self._capture.release()

    def _ask(self) -> None:
        wanted = self._wanted
        for name, value in (
            (cv2.CAP_PROP_FRAME_WIDTH, wanted.width),
            (cv2.CAP_PROP_FRAME_HEIGHT, wanted.height),
            (cv2.CAP_PROP_FPS, wanted.rate_hz),
        ):
            if value:
                self._capture.set(name, value)

    def _scale(self, frame: Frame) -> Frame:
        height, width = frame.shape[:2]
        size = self._wanted.width or width, self._wanted.height or height
        if size == (width, height):
            return frame
        scaled: Any = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
        return np.asarray(scaled, np.uint8)


def _open(wanted: Video) -> cv2.VideoCapture:
    if wanted.kind == 'stream':
        # Only FFmpeg has timeouts; OpenCV of a vendor may come without it.
        if cv2.videoio_registry.hasBackend(cv2.CAP_FFMPEG):
            return cv2.VideoCapture(wanted.source, cv2.CAP_FFMPEG, _TIMEOUT)
        return cv2.VideoCapture(wanted.source)
    if wanted.kind == 'file':
        path = Path(wanted.source).expanduser()
        # Without the file, OpenCV might take digits in its name for those of numbered pictures.
        return cv2.VideoCapture(str(path)) if path.is_file() else cv2.VideoCapture()
    path = _device_path(wanted.source)
    if not path.exists():
        return cv2.VideoCapture()
    # Names below /dev/v4l are links to numbered ones, and numbers are what all of OpenCV knows.
    match = _NUMBERED.fullmatch(os.path.realpath(path))
    return cv2.VideoCapture(int(match[1]) if match else str(path), cv2.CAP_V4L2)


def _device_path(source: str) -> Path:
    return Path(f'/dev/video{int(source)}' if source.isdecimal() else source)


def _as_bgr(frame: Any) -> Frame:
    if frame.ndim == 3 and frame.shape[2] == 3:
        return np.asarray(frame, np.uint8)
    gray = frame.ndim == 2 or frame.shape[2] == 1
    code = cv2.COLOR_GRAY2BGR if gray else cv2.COLOR_BGRA2BGR
    converted: Any = cv2.cvtColor(frame, code)
    return np.asarray(converted, np.uint8)


def _refusal(wanted: Video) -> str:
    if wanted.kind == 'stream':
        return (
            f'the stream {wanted.shown} cannot be opened: is the address right, and does the '
            'camera answer from this machine?'
        )
    if wanted.kind == 'file':
        path = Path(wanted.source).expanduser()
        if not path.is_file():
            return f"there is no video file {path}: correct the parameter 'device'"
        return f'{path} cannot be read as a video: convert it, for example to MP4 with ffmpeg'
    return _refusal_of_device(wanted.source)


def _refusal_of_device(source: str) -> str:
    path = _device_path(source)
    there = sorted(map(str, Path('/dev').glob('video*')))
    if not path.exists():
        known = f'there are {", ".join(there)}' if there else 'there is no camera at all'
        return f"there is no camera {path}; {known}: plug it in, or set the parameter 'device'"
    if not os.access(path, os.R_OK | os.W_OK):
        return f"the camera {path} may not be used by this user: add it to the group 'video'"
    return (
        f'the camera {path} gives no pictures: end what else uses it, or choose another of its '
        f'devices ({", ".join(there)})'
    )

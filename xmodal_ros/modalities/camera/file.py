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

"""A video file as JPEG pictures."""

from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from xmodal_ros.errors import BagError
from xmodal_ros.modalities.camera.h264 import rate_of_h264
from xmodal_ros.modalities.camera.messages import compressed_image_message
from xmodal_ros.modalities.camera.stream import COMPRESSED_TYPE
from xmodal_ros.modalities.file import Record, SensorFile
from xmodal_ros.windows.windowing import SECOND_NS

_QUALITY: Final = 90
# A video that ends so much earlier than its header says was cut off.
_LEAST_SHARE: Final = 0.9
_MOST_FRAMES: Final = 1e9
# Thirty years.
_MOST_MS: Final = 1e12
# The beginnings of streams that hold pictures without their times, and of what looks like them.
_START_CODES: Final = (b'\0\0\0\1', b'\0\0\1')
_WITH_TIMES: Final = (0xB0, 0xB3, 0xBA)
_HEAD_BYTES: Final = 4096
_MOST_BOXES: Final = 10_000
_JPEG_START: Final = b'\xff\xd8\xff'


class VideoFile(SensorFile):
    """A video; pictures higher than ``height`` are made smaller.

    It is looked through once for the times of its pictures, for headers say a mean rate at best.
    With ``fps`` the pictures follow each other at that rate instead. Raises :class:`BagError`
    when it is no video, breaks off, or does not hold the times.
    """

    def __init__(self, path: Path, height: int | None = None, fps: float | None = None) -> None:
        self._path, self._height = path, height
        times_ns, stated_ns = _read_times(path)
        if fps is None and (fps := _rate_in_header(path)) is not None:
            note = (
                f'{path.name} holds no times: its header says {fps:.4g} pictures a second (give '
                "'--video-fps' where it was another rate)"
            )
            self.notes = (note,)
        if fps is not None:
            times_ns = np.rint(np.arange(len(times_ns)) * (SECOND_NS / fps)).astype(np.int64)
            stated_ns = 0
        else:
            _check_times(path, times_ns)
        self._times_ns = _in_order(times_ns)
        _check_whole(path, self._times_ns, self.duration_ns, stated_ns)

    @property
    def duration_ns(self) -> int:
        """From the first picture to the end of the last, which lasts as long as the one before."""
        times = self._times_ns
        return int(times[-1] + (times[-1] - times[-2])) if len(times) > 1 else 0

    def records(self, topic: str, frame: str, start_ns: int) -> Iterator[Record]:
        """Give ``CompressedImage`` messages."""
        pictures = _pictures(self._path, self._height)
        for since_ns, picture in zip(self._times_ns.tolist(), pictures, strict=False):
            message = compressed_image_message(start_ns + since_ns, frame, 'jpeg', picture)
            yield Record(start_ns + since_ns, topic, COMPRESSED_TYPE, message)


def _read_times(path: Path) -> tuple[NDArray[np.int64], int]:
    """Give the time of each picture since the first, and how long the header says it lasts.

    That is 0 where it does not say it.
    """
    times = array('q')
    with _opened(path) as capture:
        fps = float(capture.get(cv2.CAP_PROP_FPS))
        frames = float(capture.get(cv2.CAP_PROP_FRAME_COUNT))
        while capture.grab():
            # Of raw streams some versions of OpenCV give what no clock says.
            time_ms = float(capture.get(cv2.CAP_PROP_POS_MSEC))
            times.append(round(time_ms * 1e6) if abs(time_ms) < _MOST_MS else 0)
    found = np.array(times, np.int64)
    stated = 0 < frames < _MOST_FRAMES and fps > 0
    return found - found[:1], round(frames / fps * SECOND_NS) if stated else 0


def _raw_start(path: Path) -> bytes:
    """Give the first bytes of a stream of pictures that holds no times; b'' for anything else."""
    with path.open('rb') as stream:
        head = stream.read(_HEAD_BYTES)
    code = next((len(start) for start in _START_CODES if head.startswith(start)), len(head))
    timeless = code < len(head) and head[code] not in _WITH_TIMES
    return head if timeless or head.startswith(_JPEG_START) else b''


def _rate_in_header(path: Path) -> float | None:
    return rate_of_h264(_raw_start(path))


def _check_times(path: Path, times_ns: NDArray[np.int64]) -> None:
    """Raise :class:`BagError` for a stream of pictures without their times."""
    is_raw = bool(_raw_start(path))
    stands = len(times_ns) > 1 and np.count_nonzero(np.diff(times_ns) > 0) < len(times_ns) // 2
    if is_raw or stands:
        raise BagError(
            f'{str(path)!r} holds pictures, but not when they were taken'
            + (' (a raw stream)' if is_raw else '')
            + ": give their rate by '--video-fps', or put it into the file, for example with "
            'ffmpeg -r RATE -i OLD -c copy NEW.mp4'
        )


def _in_order(times_ns: NDArray[np.int64]) -> NDArray[np.int64]:
    """Let no picture be taken before the one before it, or with it: at the usual distance then."""
    steps = np.diff(times_ns)
    usual_ns = int(np.median(steps[steps > 0])) if (steps > 0).any() else SECOND_NS // 25
    ordered = times_ns.copy()
    for index in range(1, len(ordered)):
        if ordered[index] <= ordered[index - 1]:
            ordered[index] = ordered[index - 1] + usual_ns
    return ordered


def _check_whole(path: Path, times_ns: NDArray[np.int64], lasts_ns: int, stated_ns: int) -> None:
    if not len(times_ns):
        raise BagError(
            f'{str(path)!r} holds no picture that can be read: repair it, for example with ffmpeg '
            '-i OLD -c copy NEW, or record it again'
        )
    if len(times_ns) > 1 and lasts_ns < _LEAST_SHARE * stated_ns:
        raise BagError(
            f'{str(path)!r} breaks off after {lasts_ns / SECOND_NS:.3f} of '
            f'{stated_ns / SECOND_NS:.3f} s: repair it, for example with ffmpeg -i OLD -c copy '
            'NEW, or cut it'
        )


def _pictures(path: Path, height: int | None) -> Iterator[bytes]:
    """Give each picture as JPEG."""
    with _opened(path) as capture:
        while True:
            good, picture = capture.read()
            if not good or picture is None:
                return
            yield _jpeg(path, _scaled(picture, height))


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    # Without the file, OpenCV might take digits in its name for those of numbered pictures.
    capture = cv2.VideoCapture(str(path)) if path.is_file() else cv2.VideoCapture()
    try:
        if not capture.isOpened():
            raise BagError(_why_not(path))
        yield capture
    finally:
        capture.release()


def _why_not(path: Path) -> str:
    if not path.is_file():
        return f'there is no video file {str(path)!r}'
    try:
        boxes = _boxes(path)
    except OSError as error:
        return f'{str(path)!r} cannot be read: {error.strerror or error}'
    if not path.stat().st_size:
        return f'{str(path)!r} is empty (0 bytes): record it again, or copy it again'
    if 'ftyp' in boxes and 'moov' not in boxes:
        return (
            f'{str(path)!r} has no index (moov), for its recording or copying was cut short: copy '
            'it again; what is there can be rescued by the help of a whole video of the same '
            'camera, for example with untrunc, not with ffmpeg'
        )
    return f'{str(path)!r} cannot be read as a video: convert it, for example to MP4 with ffmpeg'


def _boxes(path: Path) -> list[str]:
    """Give the names of the outermost boxes of an MP4 file; none that matters of others."""
    names: list[str] = []
    with path.open('rb') as stream:
        while len(head := stream.read(8)) == 8 and len(names) < _MOST_BOXES:
            size = int.from_bytes(head[:4], 'big')
            names.append(head[4:].decode('latin-1'))
            if size == 1:
                size = int.from_bytes(stream.read(8), 'big') - 8
            if size < 8:
                break
            stream.seek(size - 8, 1)
    return names


def _scaled(picture: Any, height: int | None) -> Any:
    rows, columns = picture.shape[:2]
    if height is None or rows <= height:
        return picture
    size = max(1, round(columns * height / rows)), height
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA)


def _jpeg(path: Path, picture: Any) -> bytes:
    good, data = cv2.imencode('.jpg', picture, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    if not good:
        raise BagError(f'a picture of {str(path)!r} cannot be stored as JPEG')
    return bytes(data.tobytes())

"""A video file as JPEG pictures."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2

from xmodal_ros.errors import BagError
from xmodal_ros.modalities.camera.messages import compressed_image_message
from xmodal_ros.modalities.camera.stream import COMPRESSED_TYPE
from xmodal_ros.modalities.file import Record, SensorFile
from xmodal_ros.windows.windowing import SECOND_NS

_QUALITY: Final = 90
_HIGHEST_FPS: Final = 1000.0
# A header counts frames by rate and duration, which may be a few too many.
_LEAST_SHARE: Final = 0.9


@dataclass(frozen=True)
class VideoFacts:
    """What a file's header says; ``frames`` is 0 where it does not."""

    fps: float
    frames: int


def look_into_video(path: Path) -> VideoFacts:
    """Read a file's header; raises :class:`BagError` when it is no video."""
    with _opened(path) as capture:
        fps = float(capture.get(cv2.CAP_PROP_FPS))
        frames = float(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    if not 0 < fps <= _HIGHEST_FPS:
        raise BagError(
            f'{str(path)!r} does not say how fast its pictures follow each other: convert it, '
            'for example to MP4 with ffmpeg'
        )
    return VideoFacts(fps, int(frames) if 0 < frames < 1e9 else 0)


class VideoFile(SensorFile):
    """A video; pictures higher than ``height`` are made smaller.

    Raises :class:`BagError` when it is none.
    """

    def __init__(self, path: Path, height: int | None = None) -> None:
        self._path, self._height = path, height
        self._facts = look_into_video(path)

    @property
    def duration_ns(self) -> int:
        """By what the header says."""
        return round(self._facts.frames / self._facts.fps * SECOND_NS)

    def records(self, topic: str, frame: str, start_ns: int) -> Iterator[Record]:
        """Give ``CompressedImage`` messages."""
        for stamp_ns, picture in _pictures(self._path, self._facts, self._height):
            message = compressed_image_message(start_ns + stamp_ns, frame, 'jpeg', picture)
            yield Record(start_ns + stamp_ns, topic, COMPRESSED_TYPE, message)


def _pictures(path: Path, facts: VideoFacts, height: int | None) -> Iterator[tuple[int, bytes]]:
    """Give each picture's time since the first and its JPEG.

    Where the file gives a picture no later time than the one before, its rate says when it was
    taken. Raises :class:`BagError` for a file that breaks off.
    """
    frame_ns = round(SECOND_NS / facts.fps)
    first_ns: int | None = None
    last_ns = -frame_ns
    count = 0
    with _opened(path) as capture:
        while True:
            good, picture = capture.read()
            if not good or picture is None:
                break
            stated_ns = round(float(capture.get(cv2.CAP_PROP_POS_MSEC)) * 1e6)
            first_ns = stated_ns if first_ns is None else first_ns
            since_ns = stated_ns - first_ns
            last_ns = since_ns if since_ns > last_ns else last_ns + frame_ns
            count += 1
            yield last_ns, _jpeg(path, _scaled(picture, height))
    if count < _LEAST_SHARE * facts.frames or not count:
        raise BagError(
            f'{str(path)!r} breaks off after {count} of {facts.frames} pictures: repair it, for '
            'example with ffmpeg -i OLD -c copy NEW, or cut it'
        )


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    # Without the file, OpenCV might take digits in its name for those of numbered pictures.
    capture = cv2.VideoCapture(str(path)) if path.is_file() else cv2.VideoCapture()
    try:
        if not capture.isOpened():
            raise BagError(
                f'{str(path)!r} cannot be read as a video: convert it, for example to MP4 with '
                'ffmpeg'
                if path.is_file()
                else f'there is no video file {str(path)!r}'
            )
        yield capture
    finally:
        capture.release()


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

"""Camera messages as JPEG pictures for the page."""

from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from xmodal_ros.streams.camera import CameraDecoder, CameraPixels, IMAGE_TYPE
from xmodal_ros.streams.cdr import CdrCursor
from xmodal_ros.streams.compressed import picture_size
from xmodal_ros.streams.sample import DecodeError

_WIDEST: Final = 640
_HIGHEST: Final = 480
_JPEG_QUALITY: Final = 80
_DEPTH_ENCODINGS: Final = ('16UC1', '32FC1')
# What compressed_depth_image_transport puts before its picture.
_DEPTH_HEADER_BYTES: Final = 12
_SHADES: Final = 255


@dataclass(frozen=True)
class PictureMaker:
    """Turns the messages of one camera into JPEG pictures of ``width`` x ``height``.

    Depth is coloured, near to far as ``depth_range_m`` says.
    """

    decoder: CameraDecoder
    depth_range_m: tuple[float, float] = (0.0, 1.0)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.decoder.width, self.decoder.height

    def __call__(self, data: bytes) -> bytes:
        """Give a message as JPEG; one that cannot be decoded becomes a picture of the reason."""
        try:
            picture = self._colour(self.decoder(data).values)
        except DecodeError as error:
            picture = _notice(error.reason, *self.size)
        options = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY]
        return cv2.imencode('.jpg', picture, options)[1].tobytes()

    def _colour(self, frame: NDArray[Any]) -> NDArray[Any]:
        if self.decoder.pixels != 'depth':
            return cv2.cvtColor(frame, cv2.COLOR_RGB2BGR)
        depth = frame[:, :, 0]
        near, far = self.depth_range_m
        shares = np.clip((depth - near) / max(far - near, 1e-6), 0, 1)
        coloured = cv2.applyColorMap(((1 - shares) * _SHADES).astype(np.uint8), cv2.COLORMAP_TURBO)
        coloured[depth <= 0] = 0
        return coloured


def make_picture_maker(msgtype: str, first_message: bytes) -> PictureMaker:
    """Choose size and kind of a camera's pictures by one of its messages.

    Raises :class:`DecodeError` when that message is no picture that can be shown.
    """
    height, width, pixels = _look(msgtype, first_message)
    if not height or not width:
        raise DecodeError('size', f'an image of {width}x{height} pixels cannot be shown')
    scale = min(1.0, _WIDEST / width, _HIGHEST / height)
    decoder = CameraDecoder(
        msgtype, pixels, max(1, round(height * scale)), max(1, round(width * scale))
    )
    frame = decoder(first_message).values
    if pixels != 'depth':
        return PictureMaker(decoder)
    known = frame[frame > 0]
    near, far = np.percentile(known, (2, 98)).tolist() if known.size else (0.0, 1.0)
    return PictureMaker(decoder, (near, far))


def _look(msgtype: str, data: bytes) -> tuple[int, int, CameraPixels]:
    cursor = CdrCursor(data)
    cursor.header()
    if msgtype == IMAGE_TYPE:
        height, width, encoding = cursor.uint32(), cursor.uint32(), cursor.string()
        return height, width, 'depth' if encoding in _DEPTH_ENCODINGS else 'rgb'
    encoding, picture = cursor.string(), bytes(cursor.octets())
    is_depth = encoding.split(';')[0].strip() in _DEPTH_ENCODINGS
    if 'compresseddepth' in encoding.lower():
        is_depth, picture = True, picture[_DEPTH_HEADER_BYTES:]
    height, width = picture_size(picture)
    return height, width, 'depth' if is_depth else 'rgb'


def _notice(reason: str, width: int, height: int) -> NDArray[Any]:
    picture = np.full((height, width, 3), 60, np.uint8)
    place = (max(2, width // 20), height // 2)
    words = f'no picture: {reason}'
    cv2.putText(
        picture, words, place, cv2.FONT_HERSHEY_SIMPLEX, width / 640, (220, 220, 220), 1,
        cv2.LINE_AA,
    )  # fmt: skip
    return picture

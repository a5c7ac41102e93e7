"""What the messages of a camera hold."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from xmodal_ros.modalities.camera.compressed import read_header
from xmodal_ros.modalities.camera.decoder import CameraDecoder
from xmodal_ros.modalities.camera.stream import CameraPixels, COMPRESSED_TYPE
from xmodal_ros.modalities.contents import ContentDetails, Contents, decode_messages, Received
from xmodal_ros.streams.cdr import CdrCursor
from xmodal_ros.streams.sample import DecodeError, Sample

_DEPTH_ENCODINGS: Final = ('16UC1', '32FC1')


@dataclass(frozen=True)
class CameraDetails(ContentDetails):
    """The newest picture: size in pixels, bytes of its message, and whether it holds distances."""

    encoding: str
    width: int
    height: int
    message_bytes: int

    is_depth: bool = False

    def in_words(self) -> Iterator[str]:
        """Say encoding and size."""
        yield f'{self.encoding} {self.width}x{self.height}'


def describe(msgtype: str, messages: Sequence[Received]) -> Contents:
    """Look into serialized messages; a picture that cannot be decoded still tells its size."""
    pictures: list[CameraDetails] = []

    def decode(data: bytes, received_ns: int = 0) -> Sample:
        pictures.append(read_details(msgtype, data))
        return decode_picture(msgtype, data, received_ns)

    contents, _ = decode_messages(decode, messages)
    return replace(contents, details=pictures[-1] if pictures else None)


def decode_picture(msgtype: str, data: bytes, received_ns: int = 0) -> Sample:
    """Decode as grey or as depth; raises what stands against the former."""
    kinds: tuple[CameraPixels, ...] = ('gray', 'depth')
    errors: list[DecodeError] = []
    for pixels in kinds:
        try:
            return CameraDecoder(msgtype, pixels, 16, 16)(data, received_ns)
        except DecodeError as error:
            errors.append(error)
    raise errors[0]


def read_details(msgtype: str, data: bytes) -> CameraDetails:
    """Read what a message says of its picture, which is not decoded.

    Raises :class:`~xmodal_ros.streams.sample.DecodeError` where it does not say it.
    """
    cursor = CdrCursor(data)
    cursor.header()
    if msgtype != COMPRESSED_TYPE:
        height, width = cursor.uint32(), cursor.uint32()
        encoding = cursor.string()
        return CameraDetails(encoding, width, height, len(data), encoding in _DEPTH_ENCODINGS)
    encoding = cursor.string()
    header = read_header(encoding, bytes(cursor.octets()))
    is_depth = header.holds_depth(encoding) is not False
    return CameraDetails(encoding, header.width, header.height, len(data), is_depth)

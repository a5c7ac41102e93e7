"""What the messages of a sensor's topic hold, found with the decoders that classifiers use."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import numpy as np

from xmodal_ros.modalities.audio.decoder import AudioDecoder, AudioFormat
from xmodal_ros.modalities.camera.compressed import picture_size
from xmodal_ros.modalities.camera.decoder import CameraDecoder
from xmodal_ros.modalities.camera.stream import CameraPixels, COMPRESSED_TYPE
from xmodal_ros.modalities.imu.decoder import ImuDecoder
from xmodal_ros.modalities.registry import modality_of_type
from xmodal_ros.streams.cdr import CdrCursor
from xmodal_ros.streams.sample import DecodeError, Decoder, Sample

_SECOND_NS: Final = 1_000_000_000
# compressed_depth_image_transport puts as many bytes before its picture.
_DEPTH_HEADER_BYTES: Final = 12
# A rate of samples measured over less says more about the chunks than about the device.
_SHORTEST_SPAN_NS: Final = _SECOND_NS // 2


@dataclass(frozen=True)
class ImuContents:
    """Accelerations in m/s², angular rates in rad/s, if the driver's units are those.

    ``length`` is the median length of the acceleration, ``spread`` the deviation of that length,
    ``rms`` the root of its mean square; ``turning`` is the length of the angular rate that one
    in a hundred messages exceeds. NaN where it is not measured.
    """

    acceleration: bool
    gyro: bool
    length: float
    spread: float
    rms: float
    turning: float


@dataclass(frozen=True)
class CameraContents:
    """The newest picture: size in pixels, and bytes of its message."""

    encoding: str
    width: int
    height: int
    message_bytes: int


@dataclass(frozen=True)
class AudioContents:
    """The sound, and how it is coded.

    ``stated`` is the format that came apart from the sound, None where messages say it.
    ``heard_rate_hz`` is how many samples a second came, None where too little did; ``peak`` is the
    largest absolute sample, 1 being full scale.
    """

    rate_hz: int
    stated: AudioFormat | None
    heard_rate_hz: float | None
    peak: float


@dataclass(frozen=True)
class Contents:
    """What looking at ``looked_at`` messages gave.

    ``refused`` counts those that no classifier can use, by reason, and ``complaint`` says in
    words why the last of them was; stamps that are not set count elsewhere.
    """

    looked_at: int = 0
    frame_id: str | None = None
    refused: dict[str, int] = field(default_factory=dict)
    complaint: str = ''
    imu: ImuContents | None = None
    camera: CameraContents | None = None
    audio: AudioContents | None = None


# A serialized message, and when it came in nanoseconds.
Received = tuple[bytes, int]


def describe(
    msgtype: str, messages: Sequence[Received], audio_format: AudioFormat | None = None
) -> Contents:
    """Look into serialized messages of a sensor's type; nothing that they hold raises.

    ``audio_format`` is for audio that does not say its own.
    """
    modality = modality_of_type(msgtype)
    if modality == 'imu':
        return _describe_imu(messages)
    if modality == 'camera':
        return _describe_camera(msgtype, messages)
    return _describe_audio(msgtype, messages, audio_format)


class _Looking:
    """Decodes one message after the other, and counts what is refused."""

    def __init__(self) -> None:
        self.looked_at = 0
        self.refused: Counter[str] = Counter()
        self.complaint = ''
        self.frame_id: str | None = None

    def decode(self, decode: Decoder, data: bytes) -> Sample | None:
        self.looked_at += 1
        try:
            sample = decode(data)
        except DecodeError as error:
            if error.reason != 'zero_stamp':
                self.refused[error.reason] += 1
                self.complaint = str(error)
            return None
        self.frame_id = sample.frame_id
        return sample

    def contents(
        self,
        imu: ImuContents | None = None,
        camera: CameraContents | None = None,
        audio: AudioContents | None = None,
    ) -> Contents:
        return Contents(
            self.looked_at,
            self.frame_id,
            dict(self.refused),
            self.complaint,
            imu,
            camera,
            audio,
        )


def _describe_imu(messages: Sequence[Received]) -> Contents:
    looking = _Looking()
    whole, without_gyro = ImuDecoder(), ImuDecoder('acc')

    def decode(data: bytes, received_ns: int = 0) -> Sample:  # noqa: ARG001
        try:
            return whole(data)
        except DecodeError as error:
            if error.reason != 'no_gyro':
                raise
            return without_gyro(data)

    samples = [looking.decode(decode, data) for data, _ in messages]
    values = [sample.values for sample in samples if sample is not None]
    if not values:
        measured = 'no_acceleration' not in looking.refused
        nothing = float('nan')
        imu = ImuContents(measured, False, nothing, nothing, nothing, nothing)
        return looking.contents(imu=imu if looking.refused else None)
    lengths = np.linalg.norm([each[:3] for each in values], axis=1)
    turns = [each[3:] for each in values if len(each) > 3]
    return looking.contents(
        imu=ImuContents(
            acceleration=True,
            gyro=bool(turns),
            length=float(np.median(lengths)),
            spread=float(lengths.std()),
            rms=float(np.sqrt(np.mean(lengths**2))),
            turning=float(np.quantile(np.linalg.norm(turns, axis=1), 0.99))
            if turns
            else float('nan'),
        )
    )


def _describe_camera(msgtype: str, messages: Sequence[Received]) -> Contents:
    looking = _Looking()
    cameras: list[CameraContents] = []

    def decode(data: bytes, received_ns: int = 0) -> Sample:  # noqa: ARG001
        cameras.append(_read_camera(msgtype, data))
        return _decode_picture(msgtype, data)

    for data, _ in messages:
        looking.decode(decode, data)
    return looking.contents(camera=cameras[-1] if cameras else None)


def _decode_picture(msgtype: str, data: bytes) -> Sample:
    """Decode as colour or as depth; raises what stands against the former."""
    kinds: tuple[CameraPixels, ...] = ('gray', 'depth')
    errors: list[DecodeError] = []
    for pixels in kinds:
        try:
            return CameraDecoder(msgtype, pixels, 16, 16)(data)
        except DecodeError as error:
            errors.append(error)
    raise errors[0]


def _read_camera(msgtype: str, data: bytes) -> CameraContents:
    cursor = CdrCursor(data)
    cursor.header()
    if msgtype != COMPRESSED_TYPE:
        height, width = cursor.uint32(), cursor.uint32()
        return CameraContents(cursor.string(), width, height, len(data))
    encoding = cursor.string()
    picture = bytes(cursor.octets())
    if 'compresseddepth' in encoding.lower():
        picture = picture[_DEPTH_HEADER_BYTES:]
    height, width = picture_size(picture)
    return CameraContents(encoding, width, height, len(data))


def _describe_audio(
    msgtype: str, messages: Sequence[Received], audio_format: AudioFormat | None
) -> Contents:
    looking = _Looking()
    decoder = AudioDecoder(msgtype, audio_format)
    found = (
        looking.decode(partial(decoder, received_ns=received_ns), data)
        for data, received_ns in messages
    )
    samples = [sample for sample in found if sample is not None]
    if not samples:
        return looking.contents()
    span_ns = samples[-1].stamp_ns - samples[0].stamp_ns
    count = sum(len(sample.values) for sample in samples[:-1])
    return looking.contents(
        audio=AudioContents(
            rate_hz=decoder.rate_hz,
            stated=audio_format,
            heard_rate_hz=count * _SECOND_NS / span_ns if span_ns > _SHORTEST_SPAN_NS else None,
            peak=max(float(np.abs(sample.values).max()) for sample in samples),
        )
    )

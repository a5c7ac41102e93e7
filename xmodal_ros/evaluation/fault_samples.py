"""A sensor's messages as samples that faults can be done to, and back to messages.

Samples are decoded by the live decoders and serialized again in a plain type, so that the intake
and the engine see damaged messages as they would on a robot. Undamaged ones give the same
decisions, bit for bit: the plain types lose nothing of what the decoders give.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from xmodal_ros.bags.audio_format import read_audio_format
from xmodal_ros.bags.reading import BagReader
from xmodal_ros.errors import StreamError
from xmodal_ros.modalities.audio.decoder import AudioDecoder, AudioFormat, STAMPED_TYPE
from xmodal_ros.modalities.camera.decoder import IMAGE_TYPE
from xmodal_ros.modalities.imu.decoder import IMU_TYPE
from xmodal_ros.modalities.sensor import Sensor
from xmodal_ros.modalities.stream import (
    AudioStream,
    CameraStream,
    ImuStream,
    make_decoder,
    StreamSpec,
)
from xmodal_ros.simulator.messages import audio_message, image_message, imu_message
from xmodal_ros.streams.sample import DecodeError

PLAIN_TYPES: Final = {'imu': IMU_TYPE, 'camera': IMAGE_TYPE, 'audio': STAMPED_TYPE}

_ENCODINGS: Final = {'gray': 'mono8', 'rgb': 'rgb8', 'depth': '32FC1'}
# Where the fields of sensor_msgs/Imu lie among its 37 numbers, and the covariances' first.
_GYRO, _GYRO_COVARIANCE, _ACC = 13, 16, 25
_FIELDS: Final = 37
_REPORT_EVERY: Final = 64


@dataclass(frozen=True, eq=False)
class Piece:
    """One sample in SI units as for :class:`~xmodal_ros.streams.sample.Sample`.

    ``rate_hz`` is that of sound, else 0.
    """

    stamp_ns: int
    frame_id: str
    values: NDArray[Any]
    rate_hz: int = 0


class BagPieces:
    """The samples of one sensor of a bag, as often as they are asked for, one time at a time.

    Messages that cannot be decoded are left out. ``progress`` is called with the number of
    messages read since the last call.
    """

    def __init__(
        self,
        reader: BagReader,
        sensor: Sensor,
        stream: StreamSpec,
        progress: Callable[[int], None] | None = None,
    ) -> None:
        self._reader, self._sensor, self._stream = reader, sensor, stream
        self._progress = progress
        self._audio_format = (
            read_audio_format(reader, sensor.topic) if stream.modality == 'audio' else None
        )

    def __iter__(self) -> Iterator[Piece]:
        """Decode from the beginning."""
        topic = self._sensor.topic
        decode = make_decoder(
            self._stream, self._reader.topics[topic].msgtype, self._sensor.placement
        )
        if isinstance(decode, AudioDecoder):
            decode.format = self._audio_format
        for count, message in enumerate(self._reader.messages([topic]), start=1):
            if self._progress and count % _REPORT_EVERY == 0:
                self._progress(_REPORT_EVERY)
            try:
                if isinstance(decode, AudioDecoder):
                    sample = decode(message.data, message.received_ns)
                    rate_hz = decode.rate_hz
                else:
                    sample, rate_hz = decode(message.data), 0
            except DecodeError:
                continue
            yield Piece(sample.stamp_ns, sample.frame_id, sample.values, rate_hz)


def serialize(piece: Piece, stream: StreamSpec) -> bytes:
    """Give the message of the modality's plain type (:data:`PLAIN_TYPES`) that holds a piece.

    Raises :class:`StreamError` for a modality that robots do not have.
    """
    stamp_ns, values = piece.stamp_ns, piece.values
    if isinstance(stream, CameraStream):
        height, width = values.shape[:2]
        dtype = '<f4' if stream.pixels == 'depth' else 'u1'
        encoding = _ENCODINGS[stream.pixels]
        data = values.astype(dtype).tobytes()
        return image_message(stamp_ns, piece.frame_id, height, width, encoding, data)
    if isinstance(stream, AudioStream):
        return audio_message(stamp_ns, piece.frame_id, values.astype('<f4').tobytes())
    if not isinstance(stream, ImuStream):
        raise StreamError(f'samples of a {stream.modality} cannot be made messages')
    fields = np.zeros(_FIELDS)
    fields[_ACC : _ACC + 3] = values[:3]
    if stream.channels == 'acc':
        fields[_GYRO_COVARIANCE] = -1
    else:
        fields[_GYRO : _GYRO + 3] = values[3:]
    return imu_message(stamp_ns, piece.frame_id, fields)


def plain_format(piece: Piece) -> AudioFormat | None:
    """Give how the sound of a serialized piece is laid out; None for other modalities."""
    return AudioFormat(piece.rate_hz, 1, 'F32LE') if piece.rate_hz else None

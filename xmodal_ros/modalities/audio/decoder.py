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

"""Decode the audio messages that ROS 2 robots publish to mono samples in [-1, 1].

Four types are in use; which one a topic carries is found at run time:
``audio_common_msgs/AudioDataStamped`` and ``AudioData`` (ros-drivers; their format comes from an
``AudioInfo`` topic or from parameters), ``audio_common_msgs/AudioStamped`` (mgonzs13) and
``foxglove_msgs/RawAudio``, which say their format themselves.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from xmodal_ros.streams.cdr import CdrCursor, rows_alike
from xmodal_ros.streams.sample import check_stamp, DecodeError, Sample, SampleBlock

STAMPED_TYPE: Final = 'audio_common_msgs/msg/AudioDataStamped'
PLAIN_TYPE: Final = 'audio_common_msgs/msg/AudioData'
NESTED_TYPE: Final = 'audio_common_msgs/msg/AudioStamped'
FOXGLOVE_TYPE: Final = 'foxglove_msgs/msg/RawAudio'
INFO_TYPE: Final = 'audio_common_msgs/msg/AudioInfo'

AUDIO_TYPES: Final = (STAMPED_TYPE, PLAIN_TYPE, NESTED_TYPE, FOXGLOVE_TYPE)
TYPES_WITHOUT_FORMAT: Final = (STAMPED_TYPE, PLAIN_TYPE)

# Below, nothing of speech or steps is left, and a rate is more likely mistaken.
_LOWEST_RATE_HZ: Final = 1000
_HIGHEST_RATE_HZ: Final = 768_000
# A message holds a moment of sound; one that claims more would make thousands of windows due.
_LONGEST_CHUNK_S: Final = 60
_MOST_CHANNELS: Final = 64


@dataclass(frozen=True)
class _Layout:
    """Bytes of one sample, and the value that stands for full scale."""

    dtype: str
    width: int
    full_scale: float
    offset: int = 0


_LAYOUTS: Final[dict[str, _Layout]] = {
    'S8': _Layout('i1', 1, 2.0**7),
    'U8': _Layout('u1', 1, 2.0**7, offset=128),
    'S16LE': _Layout('<i2', 2, 2.0**15),
    'S16BE': _Layout('>i2', 2, 2.0**15),
    'S24LE': _Layout('<i4', 3, 2.0**31),
    'S24BE': _Layout('>i4', 3, 2.0**31),
    'S32LE': _Layout('<i4', 4, 2.0**31),
    'S32BE': _Layout('>i4', 4, 2.0**31),
    'F32LE': _Layout('<f4', 4, 1.0),
    'F32BE': _Layout('>f4', 4, 1.0),
}

SAMPLE_FORMATS: Final = tuple(_LAYOUTS)
# How else GStreamer, ALSA, PortAudio and NumPy call them, without dashes and underscores.
_OTHER_NAMES: Final = {
    'S16': 'S16LE',
    'INT16': 'S16LE',
    'PCM16': 'S16LE',
    'PCMS16': 'S16LE',
    'PCMS16LE': 'S16LE',
    'S24': 'S24LE',
    'INT24': 'S24LE',
    'S243LE': 'S24LE',
    'S243BE': 'S24BE',
    'S32': 'S32LE',
    'INT32': 'S32LE',
    'F32': 'F32LE',
    'FLOAT': 'F32LE',
    'FLOAT32': 'F32LE',
    'FLOATLE': 'F32LE',
    'FLOATBE': 'F32BE',
    'INT8': 'S8',
    'UINT8': 'U8',
}
# Sound may go beyond full scale by a little, where it was mixed; so far beyond, and whole numbers,
# are of integers that were copied into floats.
_LARGEST_FLOAT, _LEAST_WHOLE = 16.0, 2.0
# MPEG 1 and 2, layer III, with and without checksum.
_MP3_FRAME_STARTS: Final = (b'\xff\xfb', b'\xff\xfa', b'\xff\xf3', b'\xff\xf2')


_COMPRESSED_STARTS: Final = {b'OggS': 'ogg', b'fLaC': 'flac'}
_WAV_START: Final = b'RIFF'
# What sound that is no plain PCM begins with.
_HEADS: Final = frozenset({_WAV_START, *_COMPRESSED_STARTS})


@dataclass(frozen=True)
class AudioFormat:
    """How the bytes of an audio message are laid out: interleaved PCM.

    Raises :class:`DecodeError` (``format``) when no such audio can be decoded.
    """

    rate_hz: int
    channels: int
    sample_format: str

    def __post_init__(self) -> None:
        if self.sample_format not in _LAYOUTS:
            raise DecodeError(
                'format',
                f'audio samples are {self.sample_format!r}, but {", ".join(_LAYOUTS)} can be '
                'read: change the sample format of the capture node',
            )
        known = _LOWEST_RATE_HZ <= self.rate_hz <= _HIGHEST_RATE_HZ
        if not known or not 0 < self.channels <= _MOST_CHANNELS:
            raise DecodeError(
                'format',
                f'audio of {self.rate_hz} Hz with {self.channels} channels cannot be used '
                f'({_LOWEST_RATE_HZ} to {_HIGHEST_RATE_HZ} Hz and up to {_MOST_CHANNELS} can): '
                'correct what publishes its format, or set audio_rate, audio_channels',
            )


def read_audio_info(data: bytes) -> AudioFormat:
    """Read an ``AudioInfo`` message; raises :class:`DecodeError` (``compressed``, ``format``)."""
    cursor = CdrCursor(data)
    channels, rate_hz = cursor.uint8(), cursor.uint32()
    sample_format = cursor.string()
    cursor.uint32()
    coding = cursor.string()
    if coding.lower() not in ('', 'wave', 'wav', 'pcm', 'raw'):
        raise _compressed(coding)
    return AudioFormat(rate_hz, channels, sample_format_name(sample_format))


def sample_format_name(text: str) -> str:
    """Give the name that we have for a sample format, the text in capitals where none is known."""
    name = text.strip().upper()
    plain = name.replace('_', '').replace('-', '')
    return plain if plain in _LAYOUTS else _OTHER_NAMES.get(plain, name)


def _compressed(coding: str) -> DecodeError:
    return DecodeError(
        'compressed',
        f'audio is compressed ({coding}), which is not decoded here: start the capture node with '
        'format:=wave (audio_capture of ros-drivers uses mp3 unless told otherwise)',
    )


# A WAV file's header, and that of each chunk in it, in bytes.
_LONGEST_WAV_HEADER, _CHUNK_HEADER = 512, 8


class AudioDecoder:
    """Turn serialized audio into samples of (n,) float32 in [-1, 1], channels averaged.

    The stamp is that of the first sample of the message. Types that do not say their format need
    ``format`` set first, by hand or from an ``AudioInfo`` message; until then messages are refused
    with reason ``no_format``. ``AudioData`` has no stamp: it takes the time of its receipt.
    """

    def __init__(self, msgtype: str, audio_format: AudioFormat | None = None) -> None:
        self._read = _READERS[msgtype]
        self.format = audio_format
        self.rate_hz = audio_format.rate_hz if audio_format else 0

    def __call__(self, data: bytes, received_ns: int = 0) -> Sample:
        """Decode one message; raises :class:`DecodeError` when it cannot be used."""
        sample = _decode(data, received_ns, self._read, self.format)
        self.rate_hz = sample.rate_hz
        return sample

    def block(self, messages: Sequence[bytes]) -> SampleBlock | None:
        """Decode chunks of one size and frame at once, to the same bits as one by one.

        None where they are none such, or one of them may have to be refused or read otherwise.
        """
        first, audio = messages[0], self.format
        if self._read is not _read_stamped or audio is None:
            return None
        try:
            cursor = CdrCursor(first)
            _, frame_id, pcm, _ = _read_stamped(cursor)
            end = cursor.position
            begin = end - len(pcm)
            alike = rows_alike(messages, begin)
            if alike is None:
                return None
            rows, stamps_ns = alike
            _check_size(pcm, audio)
        except DecodeError:
            return None
        samples = _numbers(memoryview(rows[:, begin:end].tobytes()), audio)
        doubtful = samples.dtype.kind == 'f' and not np.abs(samples).max() < _LEAST_WHOLE
        if doubtful or any(each[begin : begin + 4] in _HEADS for each in messages):
            return None
        self.rate_hz = audio.rate_hz
        values = _mix(samples, audio).reshape(len(rows), -1)
        return SampleBlock(stamps_ns, frame_id, values, audio.rate_hz)


_Parts = tuple[int | None, str, memoryview, AudioFormat | None]
_Read = Callable[[CdrCursor], _Parts]


# Whoever cuts windows of a recording looks into its messages too, one after the other.
@lru_cache(maxsize=1)
def _decode(data: bytes, received_ns: int, read: _Read, known: AudioFormat | None) -> Sample:
    stamp_ns, frame_id, pcm, stated = read(CdrCursor(data))
    chosen = stated or known
    if chosen is None:
        if bytes(pcm[:3]) == b'ID3' or bytes(pcm[:2]) in _MP3_FRAME_STARTS:
            raise _compressed('mp3, by its first bytes')
        raise DecodeError(
            'no_format',
            'the format of the audio is not known: name its AudioInfo topic (info_topic), or '
            'set audio_rate, audio_channels and audio_format',
        )
    if (coding := _COMPRESSED_STARTS.get(bytes(pcm[:4]))) is not None:
        raise _compressed(f'{coding}, by its first bytes')
    stamp_ns = received_ns if stamp_ns is None else stamp_ns
    check_stamp(stamp_ns)
    return Sample(stamp_ns, frame_id, _mono(_samples(pcm), chosen), chosen.rate_hz)


def _read_stamped(cursor: CdrCursor) -> _Parts:
    stamp_ns, frame_id = cursor.header()
    return stamp_ns, frame_id, cursor.octets(), None


def _read_plain(cursor: CdrCursor) -> _Parts:
    return None, '', cursor.octets(), None


def _read_foxglove(cursor: CdrCursor) -> _Parts:
    stamp_ns = cursor.int32() * 1_000_000_000 + cursor.uint32()
    pcm, coding = cursor.octets(), cursor.string()
    rate_hz, channels = cursor.uint32(), cursor.uint32()
    if coding != 'pcm-s16':
        raise _compressed(coding)
    return stamp_ns, '', pcm, AudioFormat(rate_hz, channels, 'S16LE')


# PortAudio's sample formats, by which mgonzs13's messages name theirs, in the order in which the
# message holds the sequences: number, element size in bytes, our name.
_NESTED: Final = ((1, 4, 'F32'), (2, 4, 'S32'), (8, 2, 'S16'), (16, 1, 'S8'), (32, 1, 'U8'))


def _read_nested(cursor: CdrCursor) -> _Parts:
    stamp_ns, frame_id = cursor.header()
    sequences = [cursor.sequence(size) for _, size, _ in _NESTED]
    number, channels, rate_hz = cursor.int32(), cursor.int32(), cursor.int32()
    for (known, size, name), pcm in zip(_NESTED, sequences, strict=True):
        if known == number:
            order = '' if size == 1 else 'LE' if cursor.byte_order == '<' else 'BE'
            return stamp_ns, frame_id, pcm, AudioFormat(rate_hz, channels, name + order)
    raise DecodeError('format', f'PortAudio sample format {number} cannot be read')


_READERS: Final[dict[str, _Read]] = {
    STAMPED_TYPE: _read_stamped,
    PLAIN_TYPE: _read_plain,
    NESTED_TYPE: _read_nested,
    FOXGLOVE_TYPE: _read_foxglove,
}


def _samples(pcm: memoryview) -> memoryview:
    """Leave out the header of a WAV file, which its first chunk holds where one is published."""
    head = bytes(pcm[:_LONGEST_WAV_HEADER])
    if head[:4] != _WAV_START or head[8:12] != b'WAVE':
        return pcm
    begin = head.find(b'data')
    return pcm[begin + _CHUNK_HEADER :] if begin > 0 else pcm


def _mono(pcm: memoryview, audio: AudioFormat) -> NDArray[np.float32]:
    _check_size(pcm, audio)
    return _mix(_numbers(pcm, audio), audio)


def _check_size(pcm: memoryview, audio: AudioFormat) -> None:
    frame_bytes = _LAYOUTS[audio.sample_format].width * audio.channels
    if len(pcm) > _LONGEST_CHUNK_S * audio.rate_hz * frame_bytes:
        raise DecodeError(
            'size',
            f'{len(pcm)} bytes in one message would be more than {_LONGEST_CHUNK_S} s of '
            f'{audio.rate_hz} Hz: is the rate right?',
        )
    if not len(pcm) or len(pcm) % frame_bytes:
        raise DecodeError(
            'size',
            f'{len(pcm)} bytes do not hold whole frames of {audio.channels} x '
            f'{audio.sample_format}',
        )


def _numbers(pcm: memoryview, audio: AudioFormat) -> NDArray[Any]:
    layout = _LAYOUTS[audio.sample_format]
    if layout.width == 3:
        return _widen(np.frombuffer(pcm, np.uint8).reshape(-1, 3), layout.dtype)
    return np.frombuffer(pcm, layout.dtype)


def _mix(samples: NDArray[Any], audio: AudioFormat) -> NDArray[np.float32]:
    """Average channels; raises :class:`DecodeError` for floats that are no sound."""
    layout = _LAYOUTS[audio.sample_format]
    with np.errstate(invalid='ignore'):
        values = samples.astype(np.float64) - layout.offset
    whole = samples.dtype.kind != 'f'
    mono = values
    if audio.channels > 1 or not whole:
        mono = values.reshape(-1, audio.channels).mean(axis=1)
    if whole:
        # Integers are finite, and none is beyond full scale.
        return (mono / layout.full_scale).astype(np.float32)
    if not np.isfinite(mono).all():
        raise DecodeError('not_finite', 'the message holds NaN or infinite samples')
    _check_scale(samples)
    clipped: NDArray[np.float64] = np.clip(mono / layout.full_scale, -1, 1)
    return clipped.astype(np.float32)


def _check_scale(samples: NDArray[Any]) -> None:
    largest = float(np.abs(samples).max())
    if integers_in_floats(samples):
        raise DecodeError(
            'scale',
            f'samples of 32-bit floats reach {largest:.6g}, though 1 is full scale: let the '
            'capture node divide integers by their full scale (32768), or publish them as S16LE',
        )


def integers_in_floats(samples: NDArray[Any]) -> bool:
    """Tell whether floats, which go from -1 to 1, are integers that nobody has scaled."""
    largest = float(np.abs(samples).max(initial=0))
    whole = largest >= _LEAST_WHOLE and bool((samples == np.rint(samples)).all())
    return whole or largest > _LARGEST_FLOAT


def _widen(triples: NDArray[np.uint8], dtype: str) -> NDArray[Any]:
    """Put three bytes at the significant end of four; the value grows by 256."""
    quads = np.zeros((len(triples), 4), np.uint8)
    quads[:, slice(1, 4) if dtype == '<i4' else slice(0, 3)] = triples
    return quads.reshape(-1).view(dtype)

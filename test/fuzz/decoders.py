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

"""What reads bytes that come over the network, and valid messages of each to begin with.

``benchmarks/fuzz.py`` sends them millions of mutated messages, ``test_decoders.py`` a few.
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
import random
import resource
import struct
import time
from typing import Any, Final

import cv2
import numpy as np

from test.messages import (
    compressed_bytes,
    EPOCH,
    image_bytes,
    imu_bytes,
    pose_array_bytes,
    SECOND,
)
from test.sound_bags import audio_bytes, info_bytes
from test.transforms import transforms_bytes, turned
from xmodal_ros.modalities.audio.decoder import (
    AudioFormat,
    FOXGLOVE_TYPE,
    NESTED_TYPE,
    PLAIN_TYPE,
    read_audio_info,
    STAMPED_TYPE,
)
from xmodal_ros.modalities.audio.stream import AudioStream
from xmodal_ros.modalities.camera.compressed import read_header
from xmodal_ros.modalities.camera.stream import (
    CameraPixels,
    CameraStream,
    COMPRESSED_TYPE,
    IMAGE_TYPE,
)
from xmodal_ros.modalities.imu.decoder import IMU_TYPE
from xmodal_ros.modalities.imu.stream import ImuStream
from xmodal_ros.modalities.intake import SensorIntake
from xmodal_ros.modalities.skeleton.decoder import SKELETON_TYPE
from xmodal_ros.modalities.skeleton.stream import SkeletonStream
from xmodal_ros.modalities.stream import StreamConfig
from xmodal_ros.runtime.label_decoding import decode_label
from xmodal_ros.streams.cdr import CdrCursor
from xmodal_ros.streams.sample import DecodeError
from xmodal_ros.streams.transforms import read_transforms
from xmodal_ros.streams.velocity import read_speeds, TWIST_STAMPED_TYPE, TWIST_TYPE
from xmodal_ros.windows.windowing import WindowingSpec

MOST_SECONDS: Final = 0.05
"""How long one message may take of the CPU; of a picture, for each million pixels more."""
MOST_COPIES: Final = 4
"""How often the bytes of a picture may be in memory at once, whatever its header claims."""
# What allocators and caches take once; of a page or so nobody can tell.
_SLACK_BYTES: Final = 24 << 20
_MEGAPIXEL: Final = 1 << 20
_LOOK_EVERY: Final = 997

Consume = Callable[[bytes], object]


class BudgetError(AssertionError):
    """A message took more time or memory than it may."""


@dataclass(frozen=True)
class Target:
    """Something that reads bytes: ``make`` gives one that has read nothing, ``seeds`` are valid.

    ``refuses`` says that it tells of bad bytes by DecodeError; else it must count them silently.
    """

    make: Callable[[], Consume]
    seeds: tuple[bytes, ...]
    refuses: bool = False
    compressed: bool = False


def _intake(
    stream: StreamConfig, msgtype: str, rate_hz: int, audio_format: AudioFormat | None = None
) -> Consume:
    """The way of a message on a robot, up to windows, and now and then what diagnostics tell."""
    window = WindowingSpec(
        length_ns=SECOND, hop_ns=SECOND // 4, rate_hz=rate_hz, margin_ns=SECOND // 8
    )
    intake = SensorIntake(stream, window, msgtype, audio_format=audio_format, look_at='newest')

    def consume(data: bytes) -> None:
        dropped = sum(intake.drops.values())
        intake.push(data, EPOCH + intake.received * SECOND // 100)
        if intake.received % _LOOK_EVERY == 0:
            intake.contents()
        # A message that is refused is counted; others are silently late or early.
        if intake.complaint and sum(intake.drops.values()) == dropped:
            raise AssertionError(f'complained but not counted: {intake.complaint}')

    return consume


def _stamps(count: int = 4) -> range:
    return range(EPOCH, EPOCH + count * SECOND // 4, SECOND // 4)


def _pictures() -> Iterable[bytes]:
    rng = np.random.default_rng(0)
    colours = rng.integers(0, 255, (12, 16, 3), np.uint8)
    depth = rng.integers(0, 4000, (12, 16), np.uint16)
    for stamp in _stamps():
        yield image_bytes(stamp, colours, 'bgr8', padding=3)
        yield image_bytes(stamp, colours[..., 0], 'mono8', little_endian=False)
        yield image_bytes(stamp, colours[..., 0], 'bayer_rggb8')
        yield image_bytes(stamp, colours[..., :2], 'yuv422_yuy2')
        yield image_bytes(stamp, depth, 'mono16', big_endian_pixels=True)
        yield image_bytes(stamp, depth, '16UC1')
        yield image_bytes(stamp, depth.astype(np.float32) / 1000, '32FC1')


def _compressed() -> Iterable[bytes]:
    rng = np.random.default_rng(0)
    smooth = cv2.resize(rng.integers(0, 255, (3, 4, 3), np.uint8), (32, 24))
    depth = cv2.resize(rng.integers(500, 4000, (3, 4), np.uint16), (32, 24))
    progressive = [cv2.IMWRITE_JPEG_PROGRESSIVE, 1, cv2.IMWRITE_JPEG_RST_INTERVAL, 2]
    jpeg = cv2.imencode('.jpg', smooth)[1].tobytes()
    scans = cv2.imencode('.jpg', smooth, progressive)[1].tobytes()
    png = cv2.imencode('.png', smooth)[1].tobytes()
    grey = cv2.imencode('.png', smooth[..., 0], [cv2.IMWRITE_PNG_BILEVEL, 1])[1].tobytes()
    deep = cv2.imencode('.png', depth)[1].tobytes()
    for stamp in _stamps():
        yield compressed_bytes(stamp, jpeg, 'bgr8; jpeg compressed bgr8')
        yield compressed_bytes(stamp, scans, 'jpeg')
        yield compressed_bytes(stamp, png, 'png')
        yield compressed_bytes(stamp, grey, 'png')
        yield compressed_bytes(stamp, deep, '16UC1; compressedDepth png')
        for kind in ('16UC1', '32FC1'):
            whole = struct.pack('<iff', 0, 100.0, 0.1) + deep
            yield compressed_bytes(stamp, whole, f'{kind}; compressedDepth png')


def _sounds(*, stamped: bool) -> Iterable[bytes]:
    rng = np.random.default_rng(0)
    for stamp in _stamps():
        yield audio_bytes(stamp, rng.normal(0, 1000, 160), stamped=stamped)


def _nested_sounds() -> Iterable[bytes]:
    """As mgonzs13's audio_common sends them, written by hand: no definition of it is installed."""
    head = imu_bytes(EPOCH)[:28]
    for number, width, at in ((1, 4, 0), (2, 4, 1), (8, 2, 2), (16, 1, 3), (32, 1, 4)):
        sequences = b''
        for index in range(5):
            filled = index == at
            sequences += struct.pack('<I', 16 if filled else 0) + bytes(16 * width * filled)
        yield head + sequences + struct.pack('<3i', number, 1, 16_000) + bytes(8)


def _foxglove_sounds() -> Iterable[bytes]:
    for stamp in _stamps():
        yield (
            b'\0\1\0\0'
            + struct.pack('<iII', stamp // SECOND, stamp % SECOND, 320)
            + bytes(320)
            + struct.pack('<I8sII', 8, b'pcm-s16\0', 16_000, 1)
        )


def _labels() -> Iterable[bytes]:
    head = b'\0\1\0\0' + struct.pack('<iII4x', EPOCH // SECOND, 0, 1)
    for count in (0, 1, 3):
        data = bytearray(head + struct.pack('<I', count))
        for _ in range(count):
            data += struct.pack('<I5s', 5, b'walk')
            data += bytes(-(len(data) - 4) % 8) + struct.pack('<d', 0.5)
        yield bytes(data)


def _infos() -> Iterable[bytes]:
    yield info_bytes()
    yield info_bytes(44_100, 2, 'F32LE')
    yield info_bytes(coding='mp3')


def _transforms() -> Iterable[bytes]:
    yield transforms_bytes([turned('base', 'arm', 0, 0, 90), turned('arm', 'hand', 180, 0, 0)])
    yield transforms_bytes([turned('base', 'imu_link', 0, 90, 0)], little_endian=False)


def _velocities() -> Iterable[bytes]:
    yield b'\0\1\0\0' + struct.pack('<6d', *range(6))
    head = imu_bytes(EPOCH)[:28]
    yield head + bytes(-(len(head) - 4) % 8) + struct.pack('<6d', *range(6))


def _skeletons() -> Iterable[bytes]:
    rng = np.random.default_rng(0)
    for stamp in _stamps():
        yield pose_array_bytes(stamp, rng.normal(0, 1, (5, 3)))
        yield pose_array_bytes(stamp, rng.normal(0, 1, (5, 3)), little_endian=False)


def _imus() -> Iterable[bytes]:
    for stamp in _stamps(40):
        yield imu_bytes(stamp)
        yield imu_bytes(stamp, little_endian=False)
        yield imu_bytes(stamp, has_gyro=False)


def _camera(pixels: CameraPixels, msgtype: str) -> Target:
    stream = CameraStream(pixels=pixels, height=16, width=16)
    compressed = msgtype == COMPRESSED_TYPE
    seeds = tuple(_compressed() if compressed else _pictures())
    return Target(partial(_intake, stream, msgtype, 8), seeds, compressed=compressed)


def _audio(msgtype: str, seeds: Iterable[bytes]) -> Target:
    audio_format = AudioFormat(16_000, 1, 'S16LE')
    return Target(partial(_intake, AudioStream(), msgtype, 16_000, audio_format), tuple(seeds))


def targets() -> Mapping[str, Target]:
    """Give everything that reads bytes from topics, by name."""
    every_pixels: tuple[CameraPixels, ...] = ('gray', 'rgb', 'depth')
    cameras = {
        f'{"compressed" if msgtype == COMPRESSED_TYPE else "image"}_{pixels}': _camera(
            pixels, msgtype
        )
        for msgtype in (IMAGE_TYPE, COMPRESSED_TYPE)
        for pixels in every_pixels
    }
    return {
        'imu': Target(partial(_intake, ImuStream(), IMU_TYPE, 40), tuple(_imus())),
        'imu_acc': Target(
            partial(_intake, ImuStream(channels='acc'), IMU_TYPE, 40), tuple(_imus())
        ),
        **cameras,
        'audio_stamped': _audio(STAMPED_TYPE, _sounds(stamped=True)),
        'audio_plain': _audio(PLAIN_TYPE, _sounds(stamped=False)),
        'audio_nested': _audio(NESTED_TYPE, _nested_sounds()),
        'audio_foxglove': _audio(FOXGLOVE_TYPE, _foxglove_sounds()),
        'skeleton': Target(
            partial(_intake, SkeletonStream(joints=5), SKELETON_TYPE, 20), tuple(_skeletons())
        ),
        'audio_info': Target(lambda: read_audio_info, tuple(_infos()), refuses=True),
        'label': Target(lambda: decode_label, tuple(_labels()), refuses=True),
        'transforms': Target(lambda: read_transforms, tuple(_transforms()), refuses=True),
        'velocity': Target(lambda: _read_velocities, tuple(_velocities()), refuses=True),
    }


def _read_velocities(data: bytes) -> None:
    with suppress(DecodeError):
        read_speeds(TWIST_TYPE, data)
    read_speeds(TWIST_STAMPED_TYPE, data)


class Reader:
    """Gives messages to a target and raises for what must not be: any exception, or too much.

    Time counts where it is ``timed``.
    """

    def __init__(self, target: Target, *, timed: bool = True) -> None:
        self._target, self._timed = target, timed
        self._consume = target.make()
        self.slowest_s = 0.0
        self.read = 0
        # What is loaded or kept once is no message's.
        for seed in target.seeds:
            self._call(self._consume, seed)

    def __call__(self, data: bytes) -> None:
        """Read one message; raises :class:`BudgetError`, or whatever the target raised."""
        self.read += 1
        before, began = _peak_bytes(), time.process_time()
        self._call(self._consume, data)
        took = time.process_time() - began
        grown = _peak_bytes() - before
        pixels, picture = self._picture(data)
        most = MOST_COPIES * max(len(data), picture) + _SLACK_BYTES
        # What is kept of many messages is no fault of this one.
        if grown > most and (grown := self._grow(data)) > most:
            raise BudgetError(f'{grown >> 20} MiB more for a message of {len(data)} bytes')
        allowed = MOST_SECONDS * max(1, pixels / _MEGAPIXEL)
        if self._timed and took > allowed:
            # A page fault or the garbage collector may have been in between: it must be so again.
            took = min(self._time(data) for _ in range(3))
            if took > allowed:
                raise BudgetError(f'{took * 1e3:.0f} ms for a message of {len(data)} bytes')
        self.slowest_s = max(self.slowest_s, took)

    def _grow(self, data: bytes) -> int:
        consume = self._target.make()
        began = _peak_bytes(anew=True)
        self._call(consume, data)
        return _peak_bytes() - began

    def _time(self, data: bytes) -> float:
        consume = self._target.make()
        began = time.process_time()
        self._call(consume, data)
        return time.process_time() - began

    def _call(self, consume: Consume, data: bytes) -> None:
        if not self._target.refuses:
            consume(data)
            return
        with suppress(DecodeError):
            consume(data)

    def _picture(self, data: bytes) -> tuple[int, int]:
        """Give the pixels and bytes of the picture that a message holds, where it holds one."""
        if not self._target.compressed:
            return 0, 0
        try:
            cursor = CdrCursor(data)
            cursor.header()
            header = read_header(cursor.string(), bytes(cursor.octets()))
        except DecodeError:
            return 0, 0
        pixels = header.height * header.width
        return pixels, pixels * max(8, header.channels * header.bits) // 8


def _peak_bytes(*, anew: bool = False) -> int:
    """Give how much memory there has been; ``anew`` asks for a process that knows only now's."""
    if anew:
        # Linux then counts from what is there.
        Path('/proc/self/clear_refs').write_text('5')
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


# Lengths and counts as they are when a field is not what it seems.
_NUMBERS: Final = (0, 1, 4, 255, 4096, 65_536, 0x7FFFFFFF, 0x80000000, 0xFFFFFFF0, 0xFFFFFFFF)


class Mutator:
    """Changes valid messages: bytes, whole numbers, lengths, pieces of others; seeded."""

    def __init__(self, seeds: tuple[bytes, ...], seed: int) -> None:
        self._seeds = seeds
        self._random = random.Random(seed)

    def __call__(self, data: bytes | None = None, most: int = 1 << 16) -> bytes:
        """Give a message with one to four changes."""
        rng = self._random
        changed = bytearray(rng.choice(self._seeds) if data is None else data)
        for _ in range(rng.randint(1, 4)):
            self._change(changed)
        return bytes(changed[:most])

    def _change(self, data: bytearray) -> None:
        rng = self._random
        # The head holds what the rest is read by.
        end = min(len(data), rng.choice((16, 64, 160, len(data)))) or 1
        at = rng.randrange(end)
        kind = rng.randrange(8)
        if kind == 0 and data:
            data[at % len(data)] ^= 1 << rng.randrange(8)
        elif kind == 1:
            word = rng.choice(_NUMBERS) if rng.random() < 0.7 else rng.getrandbits(32)
            data[at // 4 * 4 : at // 4 * 4 + 4] = struct.pack(rng.choice(('<I', '>I')), word)
        elif kind == 2:
            data[at : at + 8] = struct.pack('<d', rng.choice((np.nan, np.inf, 1e308, -1e9)))
        elif kind == 3:
            del data[at:]
        elif kind == 4:
            data += rng.randbytes(rng.randrange(64))
        elif kind == 5:
            data[at:at] = rng.randbytes(rng.randrange(12))
        elif kind == 6:
            size = rng.randrange(16)
            data[at : at + size] = rng.randbytes(size)
        else:
            other: Any = rng.choice(self._seeds)
            data[at:] = other[rng.randrange(len(other)) :]

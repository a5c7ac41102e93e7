"""A recording in blocks of ten seconds: the unit in which it is read, kept and sent to the page.

Nothing needs all of a recording at once, so an hour opens as quickly as a minute.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from xmodal_ros.bags.reading import BagReader, Message
from xmodal_ros.media.spectrogram import BANDS, lay_out, spectrogram
from xmodal_ros.media.tracks import Track
from xmodal_ros.streams.cdr import read_stamp_ns
from xmodal_ros.streams.sample import DecodeError

BLOCK_NS: Final = 10_000_000_000
GLANCES: Final = 40
"""Columns of a block's overview, a quarter of a second each."""
MOTION_CHANNELS: Final = 6
# Messages are recorded about when they are stamped.
_MARGIN_NS: Final = 500_000_000
# Sensors further apart than this are read one by one, so that little is read in vain.
_TOGETHER_NS: Final = 2_000_000_000
_LOUDEST: Final = 32767


@dataclass(frozen=True, eq=False)
class Frames:
    """When the pictures of a camera were taken, and recorded: (n,) int64 nanoseconds each."""

    stamps_ns: NDArray[np.int64]
    received_ns: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Motion:
    """What an IMU measured.

    ``seconds`` (n,) float32 since the block's start, ``values`` (n, 6) float32 in m/s² and
    rad/s, NaN where it has no gyro.
    """

    seconds: NDArray[np.float32]
    values: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Block:
    """All that was measured in ``[start_ns, start_ns + BLOCK_NS)``, by the number of its track.

    ``sound`` is (n,) int16 at the rate for the page, ``spectra`` (columns, BANDS) uint8.
    """

    start_ns: int
    frames: dict[int, Frames] = field(default_factory=dict)
    motion: dict[int, Motion] = field(default_factory=dict)
    sound: dict[int, NDArray[np.int16]] = field(default_factory=dict)
    spectra: dict[int, NDArray[np.uint8]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Glance:
    """A block seen from afar.

    ``motion`` (GLANCES, 12) float32 holds the least of each channel, then the greatest, NaN
    where nothing was measured; ``spectra`` is (GLANCES, BANDS) uint8.
    """

    motion: dict[int, NDArray[np.float32]]
    spectra: dict[int, NDArray[np.uint8]]


def read_block(reader: BagReader, tracks: Sequence[Track], start_ns: int) -> Block:
    """Read the block that begins at ``start_ns``; messages that cannot be decoded are left out.

    Raises :class:`BagError` when the recording is damaged there.
    """
    block = Block(start_ns)
    by_topic: dict[str, list[Message]] = {}
    for group in _together(tracks):
        delays = [track.delay_ns for track in group]
        longest = max(track.chunk_ns for track in group)
        for message in reader.messages(
            {track.sensor.topic for track in group},
            start_ns + min(delays) - longest - _MARGIN_NS,
            start_ns + BLOCK_NS + max(delays) + _MARGIN_NS,
        ):
            by_topic.setdefault(message.topic, []).append(message)
    for number, track in enumerate(tracks):
        messages = by_topic.get(track.sensor.topic, [])
        if track.pictures:
            block.frames[number] = _frames(messages, start_ns)
        elif track.motion:
            block.motion[number] = _motion(track, messages, start_ns)
        elif track.sound:
            row = _sound(track, messages, start_ns)
            block.spectra[number] = spectrogram(row, track.rate_hz)
            played = track.played.apply(row)
            block.sound[number] = np.round(played * _LOUDEST).astype(np.int16)
    return block


def _together(tracks: Sequence[Track]) -> list[list[Track]]:
    groups: list[list[Track]] = []
    for track in sorted(tracks, key=lambda track: track.delay_ns):
        if track.problem:
            continue
        if groups and track.delay_ns - groups[-1][0].delay_ns <= _TOGETHER_NS:
            groups[-1].append(track)
        else:
            groups.append([track])
    return groups


def _frames(messages: Sequence[Message], start_ns: int) -> Frames:
    times: list[tuple[int, int]] = []
    for message in messages:
        try:
            times.append((read_stamp_ns(message.data), message.received_ns))
        except DecodeError:
            continue
    table = np.array(sorted(times), np.int64).reshape(-1, 2)
    inside = (table[:, 0] >= start_ns) & (table[:, 0] < start_ns + BLOCK_NS)
    return Frames(table[inside, 0], table[inside, 1])


def _motion(track: Track, messages: Sequence[Message], start_ns: int) -> Motion:
    stamps: list[int] = []
    values: list[NDArray[Any]] = []
    for message in messages:
        try:
            sample = track.motion(message.data) if track.motion else None
        except DecodeError:
            continue
        if sample is not None and start_ns <= sample.stamp_ns < start_ns + BLOCK_NS:
            stamps.append(sample.stamp_ns - start_ns)
            values.append(sample.values)
    order = np.argsort(np.array(stamps, np.int64), kind='stable')
    seconds = (np.array(stamps, np.float64) / 1e9).astype(np.float32)[order]
    table = np.full((len(stamps), MOTION_CHANNELS), np.nan, np.float32)
    if values:
        measured = np.array(values, np.float32)
        table[:, : measured.shape[1]] = measured[order]
    return Motion(seconds, table)


def _sound(track: Track, messages: Sequence[Message], start_ns: int) -> NDArray[Any]:
    chunks: list[tuple[int, NDArray[Any]]] = []
    for message in messages:
        try:
            sample = track.sound(message.data, message.received_ns) if track.sound else None
        except DecodeError:
            continue
        if sample is not None:
            chunks.append((sample.stamp_ns, sample.values))
    return lay_out(chunks, start_ns, BLOCK_NS, track.rate_hz)


def glance(block: Block) -> Glance:
    """Look at a block from afar."""
    motion = {number: _extremes(motion) for number, motion in block.motion.items()}
    spectra = {number: _loudest(spectrum) for number, spectrum in block.spectra.items()}
    return Glance(motion, spectra)


def _extremes(motion: Motion) -> NDArray[np.float32]:
    table = np.full((GLANCES, 2 * MOTION_CHANNELS), np.nan, np.float32)
    if not len(motion.seconds):
        return table
    columns = (motion.seconds * (GLANCES * 1e9 / BLOCK_NS)).astype(np.int64)
    columns = np.minimum(columns, GLANCES - 1)
    present, first = np.unique(columns, return_index=True)
    table[present, :MOTION_CHANNELS] = np.minimum.reduceat(motion.values, first)
    table[present, MOTION_CHANNELS:] = np.maximum.reduceat(motion.values, first)
    return table


def _loudest(spectrum: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if len(spectrum) < GLANCES:
        return np.zeros((GLANCES, BANDS), np.uint8)
    each = len(spectrum) // GLANCES
    loudest: NDArray[np.uint8] = spectrum[: each * GLANCES].reshape(GLANCES, each, BANDS).max(1)
    return loudest

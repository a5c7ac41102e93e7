"""What was heard on one topic, in figures: rates, stamps, and what the messages hold."""

from array import array
from collections import deque
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from xmodal_ros.modalities.audio.decoder import AudioFormat, PLAIN_TYPE
from xmodal_ros.modalities.contents import Contents, Received
from xmodal_ros.modalities.registry import find_modality, modality_that_reads
from xmodal_ros.streams.cdr import read_stamp_ns
from xmodal_ros.streams.sample import DecodeError

_SECOND_NS: Final = 1_000_000_000
# Ten seconds of an IMU at 1 kHz, or of sound in studio quality; the newest are kept.
_MOST_BYTES: Final = 8_000_000
# Messages faster than any sensor of their kind sends them, and then long nothing: such stamps come
# in heaps. Where messages are lost, those that come are as far apart as ever.
_HEAP: Final = 1 / 3
# Steps that are multiples of shorter ones, to this much, are of messages lost between.
_WHOLE: Final = 0.1


@dataclass(frozen=True)
class Timing:
    """The spacing of messages, by their stamps where they are set, else by their arrival.

    ``rate_hz`` is one over the typical step, which is the median, or the shorter one of which it
    is a multiple; ``jitter_s`` is what 95 of 100 steps differ from it by at most; ``missing`` is
    how many messages the longer steps could have held. ``heaped`` says that half of the steps are
    shorter than any sensor's and far shorter than the mean one, as when a driver stamps what it
    has read in blocks; then the rate is one over the mean, and none is missing.
    """

    rate_hz: float
    by_stamp: bool
    jitter_s: float
    largest_gap_s: float
    missing: int = 0
    heaped: bool = False


@dataclass(frozen=True)
class Measurement:
    """One topic as it was heard.

    ``offset_s`` is how far the receipt on the system's clock lies after the stamp, by the median,
    ``clock_offset_s`` the same on simulated time; None where there is no stamp or no such time.
    ``unset``, ``backwards`` and ``repeated`` count stamps. ``times_ns`` are the stamps (or
    arrivals) in order of time, ``newest`` is the newest message.
    """

    count: int = 0
    timing: Timing | None = None
    unset: int = 0
    backwards: int = 0
    repeated: int = 0
    offset_s: float | None = None
    clock_offset_s: float | None = None
    contents: Contents = field(default_factory=Contents)
    times_ns: tuple[int, ...] = field(default=(), repr=False)
    newest: bytes = field(default=b'', repr=False)


class TopicRecorder:
    """Takes note of a topic's messages; decodes them afterwards, so that none is taken late."""

    def __init__(self, msgtype: str) -> None:
        self._msgtype = msgtype
        name = modality_that_reads(msgtype)
        if name is None:
            raise ValueError(f'{msgtype} is no type of a sensor')
        self._modality = find_modality(name)
        self._most_kept = self._modality.enough_messages
        self._shortest_ns = _SECOND_NS / self._modality.fastest_hz
        self._stamps = array('q')
        self._received = array('q')
        self._clock_offsets = array('q')
        self._kept: deque[Received] = deque(maxlen=self._most_kept)
        self._kept_bytes = 0

    def note(self, data: bytes, received_ns: int, clock_ns: int | None = None) -> None:
        """Take a serialized message that came at ``received_ns``, when ``/clock`` said so much."""
        self._received.append(received_ns)
        if self._msgtype != PLAIN_TYPE:
            try:
                stamp_ns = read_stamp_ns(data)
            except DecodeError:
                stamp_ns = 0
            self._stamps.append(stamp_ns)
            if clock_ns is not None and stamp_ns > 0:
                self._clock_offsets.append(clock_ns - stamp_ns)
        self._kept.append((data, received_ns))
        self._kept_bytes += len(data)
        while self._most_kept is None and self._kept_bytes > _MOST_BYTES and len(self._kept) > 1:
            self._kept_bytes -= len(self._kept.popleft()[0])

    def measure(self, audio_format: AudioFormat | None = None) -> Measurement:
        """Put what came into figures; ``audio_format`` is for audio that does not say its own."""
        if not self._received:
            return Measurement()
        stamps = np.array(self._stamps, np.int64)
        received = np.array(self._received, np.int64)
        is_set = stamps > 0
        by_stamp = bool(len(stamps) and is_set.all())
        times = np.sort(stamps if by_stamp else received)
        steps = np.diff(stamps[is_set])
        return Measurement(
            count=len(received),
            timing=_timing(np.unique(times), self._shortest_ns, by_stamp=by_stamp),
            unset=int(np.count_nonzero(~is_set)),
            backwards=int(np.count_nonzero(steps < 0)),
            repeated=int(np.count_nonzero(steps == 0)),
            offset_s=_median_s((received - stamps)[is_set]) if len(stamps) else None,
            clock_offset_s=_median_s(np.array(self._clock_offsets, np.int64)),
            contents=self._modality.describe_contents(
                self._msgtype, tuple(self._kept), audio_format
            ),
            times_ns=tuple(times.tolist()),
            newest=self._kept[-1][0],
        )


def _timing(times: NDArray[np.int64], shortest_ns: float, *, by_stamp: bool) -> Timing | None:
    steps = np.diff(times)
    if not len(steps):
        return None
    median, mean = _period(steps), float(steps.mean())
    heaped = median < min(_HEAP * mean, shortest_ns) and np.quantile(steps, 0.95) > mean
    typical = mean if heaped else median
    return Timing(
        rate_hz=_SECOND_NS / typical,
        by_stamp=by_stamp,
        jitter_s=float(np.quantile(np.abs(steps - typical), 0.95)) / _SECOND_NS,
        largest_gap_s=float(steps.max()) / _SECOND_NS,
        missing=0 if heaped else int(np.maximum(np.rint(steps / median) - 1, 0).sum()),
        heaped=bool(heaped),
    )


def _period(steps: NDArray[np.int64]) -> float:
    """Give the median step; where most messages are lost, the step of those that are not."""
    short, median = np.quantile(steps, [0.25, 0.5])
    ratio = float(median / short)
    if round(ratio) >= 2 and abs(ratio - round(ratio)) < _WHOLE:
        return float(short)
    return float(median)


def _median_s(values: NDArray[np.int64]) -> float | None:
    return float(np.median(values)) / _SECOND_NS if len(values) else None

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
from xmodal_ros.modalities.timing import stamp_facts, StampFacts
from xmodal_ros.streams.cdr import read_stamp_ns
from xmodal_ros.streams.sample import DecodeError

_SECOND_NS: Final = 1_000_000_000
# Ten seconds of an IMU at 1 kHz, or of sound in studio quality; the newest are kept.
_MOST_BYTES: Final = 8_000_000
# Of large messages so many are kept, so far apart.
_LARGE_KEPT, _LARGE_STEP_NS = 12, _SECOND_NS // 2


@dataclass(frozen=True)
class Measurement(StampFacts):
    """One topic as it was heard.

    ``offset_s`` is how far the receipt on the system's clock lies after the stamp, by the median,
    ``clock_offset_s`` the same on simulated time; None where there is no stamp or no such time.
    ``times_ns`` are the stamps (or arrivals) in order of time, ``newest`` is the newest message.
    """

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
        self._large = self._modality.intake.large
        self._shortest_ns = _SECOND_NS / self._modality.fastest_hz
        self._stamps = array('q')
        self._received = array('q')
        self._clock_offsets = array('q')
        self._kept: deque[Received] = deque(maxlen=_LARGE_KEPT if self._large else None)
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
        self._keep(data, received_ns)

    def _keep(self, data: bytes, received_ns: int) -> None:
        """Keep the newest small messages; of large ones a few, and the newest."""
        kept = self._kept
        if self._large:
            if len(kept) > 1 and kept[-1][1] - kept[-2][1] < _LARGE_STEP_NS:
                kept.pop()
            kept.append((data, received_ns))
            return
        kept.append((data, received_ns))
        self._kept_bytes += len(data)
        while self._kept_bytes > _MOST_BYTES and len(kept) > 1:
            self._kept_bytes -= len(kept.popleft()[0])

    def measure(self, audio_format: AudioFormat | None = None) -> Measurement:
        """Put what came into figures; ``audio_format`` is for audio that does not say its own."""
        if not self._received:
            return Measurement()
        stamps = np.array(self._stamps, np.int64)
        received = np.array(self._received, np.int64)
        is_set = stamps > 0
        by_stamp = bool(len(stamps) and is_set.all())
        times = np.sort(stamps if by_stamp else received)
        return Measurement(
            **stamp_facts(stamps if len(stamps) else None, received, self._shortest_ns),
            offset_s=_median_s((received - stamps)[is_set]) if len(stamps) else None,
            clock_offset_s=_median_s(np.array(self._clock_offsets, np.int64)),
            contents=self._modality.describe_contents(
                self._msgtype, tuple(self._kept), audio_format
            ),
            times_ns=tuple(times.tolist()),
            newest=self._kept[-1][0],
        )


def _median_s(values: NDArray[np.int64]) -> float | None:
    return float(np.median(values)) / _SECOND_NS if len(values) else None

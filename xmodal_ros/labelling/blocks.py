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

"""A recording in blocks of ten seconds: the unit in which it is read, kept and sent to the page.

Nothing needs all of a recording at once, so an hour opens as quickly as a minute.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from xmodal_ros.bags.reading import BagReader, Message
from xmodal_ros.media.lane import fill, Strip
from xmodal_ros.media.span import Span
from xmodal_ros.media.tracks import Track
from xmodal_ros.streams.cdr import read_stamp_ns
from xmodal_ros.streams.sample import DecodeError

BLOCK_NS: Final = 10_000_000_000
# Messages are recorded about when they are stamped.
_MARGIN_NS: Final = 500_000_000
# Sensors further apart than this are read one by one, so that little is read in vain.
_TOGETHER_NS: Final = 2_000_000_000
# Delays that differ by more are of a clock that was set.
_FURTHEST_NS: Final = 30_000_000_000

Block = Mapping[int, Strip]
"""What was measured in ten seconds, or is seen of it from afar, by the number of its track."""


def read_block(reader: BagReader, tracks: Sequence[Track], start_ns: int) -> Block:
    """Read the block that begins at ``start_ns``; messages that cannot be decoded are left out.

    Raises :class:`BagError` when the recording is damaged there.
    """
    span = Span(start_ns, start_ns + BLOCK_NS - 1)
    shown = [(number, track, track.lane) for number, track in enumerate(tracks) if track.lane]
    lanes = {number: lane.over(span) for number, _, lane in shown}
    longest = max((lane.chunk_ns for lane in lanes.values()), default=0)
    for group in _together({number: track.delay_ns for number, track, _ in shown}):
        filled = [(tracks[number].sensor.topic, lanes[number]) for number in group]
        delays = _Delays([tracks[number] for number in group])
        before_ns, after_ns = start_ns - longest - _MARGIN_NS, start_ns + BLOCK_NS + _MARGIN_NS
        first_ns, last_ns = before_ns + delays.least_ns, after_ns + delays.most_ns
        fill(reader, filled, first_ns, last_ns, delays.look)
        # Where messages came sooner or later after their stamps, some of them lie beyond.
        for begin_ns, end_ns in (
            (before_ns + delays.least_ns, first_ns),
            (last_ns, after_ns + delays.most_ns),
        ):
            if begin_ns < end_ns:
                fill(reader, filled, begin_ns, end_ns)
    return {number: lane.finish() for number, lane in lanes.items()}


class _Delays:
    """How long after their stamps the messages of some tracks were recorded, as far as seen."""

    def __init__(self, tracks: Sequence[Track]) -> None:
        delays = [track.delay_ns for track in tracks]
        self.least_ns, self.most_ns = min(delays), max(delays)
        self._possible = self.least_ns - _FURTHEST_NS, self.most_ns + _FURTHEST_NS
        self._stamped = {t.sensor.topic for t in tracks if t.lane is not None and t.lane.stamped}

    def look(self, message: Message) -> None:
        """Take note of a message's delay."""
        if message.topic not in self._stamped:
            return
        try:
            delay_ns = message.received_ns - read_stamp_ns(message.data)
        except DecodeError:
            return
        if self._possible[0] <= delay_ns <= self._possible[1]:
            self.least_ns = min(self.least_ns, delay_ns)
            self.most_ns = max(self.most_ns, delay_ns)


def _together(delays_ns: Mapping[int, int]) -> list[list[int]]:
    groups: list[list[int]] = []
    for number in sorted(delays_ns, key=lambda number: delays_ns[number]):
        if groups and delays_ns[number] - delays_ns[groups[-1][0]] <= _TOGETHER_NS:
            groups[-1].append(number)
        else:
            groups.append([number])
    return groups


def glance(block: Block) -> Block:
    """Look at a block from afar."""
    seen = {number: strip.glance() for number, strip in block.items()}
    return {number: strip for number, strip in seen.items() if strip}


def scales(glances: Sequence[Block]) -> dict[int, list[list[float]]]:
    """Give by track the range of each quantity in what was seen from afar."""
    first = glances[0] if glances else {}
    return {
        number: type(strip).scale([each[number] for each in glances])
        for number, strip in first.items()
    }

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

"""From one sensor's serialized messages to its windows: the path bags and robots share."""

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Literal

import numpy as np

from xmodal_ros.modalities.audio.decoder import AudioFormat
from xmodal_ros.modalities.checks import CHECKS, Problem
from xmodal_ros.modalities.contents import ContentGauge, Contents, NewestContents
from xmodal_ros.modalities.modality import BlockCutter
from xmodal_ros.modalities.registry import check_type, find_modality
from xmodal_ros.modalities.stream import StreamConfig
from xmodal_ros.streams.cdr import read_stamp_ns
from xmodal_ros.streams.placement import AS_IT_COMES, Placement
from xmodal_ros.streams.sample import DecodeError
from xmodal_ros.windows.assembler import Window
from xmodal_ros.windows.windowing import WindowingSpec

_SECOND_NS: Final = 1_000_000_000
# Of fewer messages, one by one costs no more; of more, no less is gained by each.
_LEAST_BLOCK, _BLOCK = 4, 512
# Below this share of the model's rate, it sees less than it has learnt from.
ENOUGH_OF_RATE: Final = 0.8
# Stamps kept to measure the rate by, of a robot and of a recording; fewer steps than this say
# little.
_NEWEST_STAMPS, _ALL_STAMPS, _LEAST_STEPS = 256, 100_000, 30


def rate_in_words(rate_hz: float) -> str:
    """Give a rate for a person, without decimals that are none."""
    return f'{round(rate_hz, 1):g} Hz'


class SensorIntake:
    """Decode and window one sensor's messages; nothing a message holds raises.

    ``received`` counts messages, ``drops`` those not used, by reason; ``complaint`` is the last
    refused message's error in words, '' when the newest message was good. ``look_at`` says of
    which messages :meth:`contents` tells what they hold.
    """

    def __init__(
        self,
        stream: StreamConfig,
        window: WindowingSpec,
        msgtype: str,
        placement: Placement = AS_IT_COMES,
        audio_format: AudioFormat | None = None,
        look_at: Literal['none', 'newest', 'all'] = 'none',
    ) -> None:
        check_type(stream, msgtype)
        self._modality = modality = find_modality(stream.modality)
        self._msgtype, self._look_at = msgtype, look_at
        self._cutter = modality.make_cutter(stream, window, msgtype, placement, audio_format)
        self._blocks = self._cutter if isinstance(self._cutter, BlockCutter) else None
        self._contents = self._begin_contents(audio_format)
        # Sound that comes in chunks tells its rate.
        kept = {'none': 0, 'newest': _NEWEST_STAMPS, 'all': _ALL_STAMPS}[look_at]
        self._stamps: deque[int] = deque(maxlen=0 if modality.chunked else kept)
        self._refused: Counter[str] = Counter()
        self.received = 0
        self.complaint = ''

    @property
    def drops(self) -> dict[str, int]:
        """Messages not used, by reason."""
        drops = self._refused + self._cutter.clock.counts
        del drops['reset']
        return dict(drops)

    @property
    def resets(self) -> int:
        """How often the stream started anew because time jumped."""
        return self._cutter.clock.counts['reset']

    @property
    def remaining_ns(self) -> int | None:
        """How far the stream has to go on until a window can be due; None before the first."""
        return self._cutter.clock.remaining_ns

    def _begin_contents(
        self, audio_format: AudioFormat | None
    ) -> ContentGauge | NewestContents | None:
        if self._look_at == 'none':
            return None
        reader = self._modality.make_content_reader(self._msgtype, audio_format)
        if self._look_at == 'newest':
            return NewestContents(reader, self._modality.newest)
        return ContentGauge(reader, self._modality.sampling)

    def contents(self) -> Contents:
        """Say what messages hold; for the newest ones by any thread."""
        return Contents() if self._contents is None else self._contents.contents()

    @property
    def rate_hz(self) -> float:
        """The usual rate of messages by their stamps; 0 where too few tell."""
        steps = np.diff(np.array(self._stamps.copy(), np.int64))
        steps = steps[steps > 0]
        return _SECOND_NS / float(np.median(steps)) if len(steps) >= _LEAST_STEPS else 0.0

    def check_rate(self, learnt_hz: float) -> Iterator[Problem]:
        """Doubt a rate, by stamps, below that which a model learnt from; by any thread."""
        rate_hz = self.rate_hz
        if 0 < rate_hz < ENOUGH_OF_RATE * learnt_hz:
            yield CHECKS['low-rate'].found(
                f'messages come at {rate_hz:.1f} Hz, the model learnt from '
                f'{rate_in_words(learnt_hz)}: what lies between is interpolated'
            )

    def reset(self) -> None:
        """Start the stream anew, as after a jump of ROS time."""
        self._cutter.reset()

    def use_format(self, audio_format: AudioFormat | None) -> None:
        """Read audio that does not say its format as this, from the next message on.

        None refuses such audio.
        """
        self._cutter.use_format(audio_format)
        self._contents = self._begin_contents(audio_format)

    def use_placement(self, placement: Placement) -> None:
        """Turn or cut samples in another way from the next message on; the stream starts anew."""
        self._cutter.use_placement(placement)

    def refuse(self, reason: str, complaint: str) -> None:
        """Count a message that cannot be used for a reason which its decoder does not know."""
        self.received += 1
        self._refused[reason] += 1
        self.complaint = complaint

    def push(self, data: bytes, received_ns: int = 0) -> list[Window]:
        """Take one serialized message and give the windows that are due, oldest first.

        ``received_ns`` is when it came; audio without a stamp of its own goes by that.
        """
        self.received += 1
        if self._contents is not None:
            self._contents.note(data, received_ns)
        try:
            windows = self._cutter.push(data, received_ns)
        except DecodeError as error:
            self._refused[error.reason] += 1
            self.complaint = str(error)
            return []
        self.complaint = ''
        if self._stamps.maxlen:
            # What has been decoded has a stamp.
            self._stamps.append(read_stamp_ns(data))
        return windows

    def push_block(
        self, messages: Sequence[bytes], received_ns: Sequence[int]
    ) -> list[tuple[int, list[Window]]] | None:
        """Take messages as :meth:`push` does one by one, those of small ones in less time.

        Gives the windows that are due, by the numbers of the messages that made them so. None,
        and takes nothing, where they have to be pushed one by one.
        """
        if len(messages) < _LEAST_BLOCK or self._blocks is None:
            return None
        block = self._blocks.decode_block(messages)
        due = None if block is None else self._blocks.push_block(block)
        if block is None or due is None:
            return None
        self.received += len(messages)
        if self._contents is not None:
            self._contents.note_block(messages, received_ns, block)
        self.complaint = ''
        if self._stamps.maxlen:
            self._stamps.extend(block.stamps_ns.tolist())
        return due

    def push_all(
        self, messages: Sequence[bytes], received_ns: Sequence[int]
    ) -> Iterator[tuple[int, list[Window]]]:
        """Take messages one after another; gives the windows due as :meth:`push_block` does."""
        begin = 0
        if messages and self._cutter.clock.newest_ns is None:
            # By itself, for what is pushed as a block goes on.
            if windows := self.push(messages[0], received_ns[0]):
                yield 0, windows
            begin = 1
        due = self.push_block(messages[begin:], received_ns[begin:])
        if due is not None:
            yield from ((begin + number, windows) for number, windows in due)
            return
        for number in range(begin, len(messages)):
            if windows := self.push(messages[number], received_ns[number]):
                yield number, windows

    @property
    def block_size(self) -> int:
        """How many messages of a recording to push at once: several of small ones."""
        return 1 if self._modality.intake.large else _BLOCK

    def windows(self, messages: Iterable[bytes]) -> Iterator[Window]:
        """Give all windows of a whole sequence of messages."""
        for data in messages:
            yield from self.push(data)

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

"""What the messages of any sensor hold, and what is doubtful about it."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TYPE_CHECKING

from xmodal_ros.modalities.checks import CHECKS, Problem
from xmodal_ros.streams.sample import DecodeError, Decoder, Sample, SampleBlock

if TYPE_CHECKING:
    from xmodal_ros.modalities.audio.decoder import AudioFormat

Received = tuple[bytes, int]
"""A serialized message, and when it came in nanoseconds."""

# A frame that fewer messages have is a slip of a driver that starts.
_LEAST_OF_A_FRAME: Final = 3
_LEAST_SHARE: Final = 0.01
# What names frames at random must not fill the memory.
_MOST_FRAMES: Final = 100


@dataclass(frozen=True, kw_only=True)
class ContentDetails:
    """What can be said of one modality's data only; each extends this by its figures.

    ``stated`` is the format that came apart from the messages, None where they say it themselves.
    """

    stated: AudioFormat | None = None

    def in_words(self) -> Iterator[str]:
        """Yield the figures as a person reads them, in a few words each."""
        yield from ()

    def check(self) -> Iterator[Problem]:
        """Yield what is doubtful about the data, whoever uses it."""
        yield from ()

    def check_statistics(
        self,
        expected: Mapping[str, float],  # noqa: ARG002
        topic: str,  # noqa: ARG002
    ) -> Iterator[Problem]:
        """Yield what on a topic differs from what a model learnt from.

        ``expected`` is what
        :meth:`~xmodal_ros.modalities.modality.Modality.expected_statistics` gave of it.
        """
        yield from ()


@dataclass(frozen=True)
class Contents:
    """What looking at ``looked_at`` messages gave.

    ``refused`` counts those that no classifier can use, by reason, and ``complaint`` says in
    words why the last of them was; stamps that are not set count elsewhere. ``frames`` counts the
    others by their frame. ``details`` are the modality's, None where it has none or no message
    tells any.
    """

    looked_at: int = 0
    frame_id: str | None = None
    refused: dict[str, int] = field(default_factory=dict)
    complaint: str = ''
    details: ContentDetails | None = None
    frames: Mapping[str, int] = field(default_factory=dict)

    def check(self) -> Iterator[Problem]:
        """Yield what is doubtful about the data, whatever kind of sensor it is of."""
        refused = sum(self.refused.values())
        if 0 < refused < self.looked_at:
            yield CHECKS['refused'].found(
                f'{refused} of {self.looked_at} messages cannot be used; the last: '
                f'{self.complaint}'
            )
        total = sum(self.frames.values())
        least = max(_LEAST_OF_A_FRAME, _LEAST_SHARE * total)
        frames = {frame: count for frame, count in self.frames.items() if count >= least}
        if len(frames) > 1:
            shares = ', '.join(
                f'{frame or "none"} {count / total:.0%}' for frame, count in sorted(frames.items())
            )
            yield CHECKS['frames'].found(f'{len(frames)} frame ids on one topic ({shares})')
        if self.details is not None:
            yield from self.details.check()


@dataclass(frozen=True)
class Sampling:
    """How many messages of a long stream are looked into: ``blocks`` of ``block`` neighbours."""

    block: int = 256
    blocks: int = 48


@dataclass(frozen=True)
class Newest:
    """How many messages of a live stream are looked into.

    At most ``waiting`` between two reports, and together with those before ``kept``.
    """

    waiting: int = 512
    kept: int = 1024


class ContentReader:
    """Reads messages for what they hold: one decodes, one puts what was decoded into figures.

    ``decode`` raises :class:`DecodeError` for messages that nobody can use; ``measure`` gets at
    least one sample.
    """

    def __init__(
        self, decode: Decoder, measure: Callable[[Sequence[Sample]], ContentDetails | None]
    ) -> None:
        self._decode = decode
        self._measure = measure

    def decode(self, data: bytes, received_ns: int) -> Sample:
        """Decode a message; raises :class:`DecodeError`."""
        return self._decode(data, received_ns)

    def read(self, data: bytes, received_ns: int) -> Sample:
        """Read a message, by default no more than it is decoded to; raises as that does."""
        return self.decode(data, received_ns)

    def read_block(
        self,
        messages: Sequence[bytes],  # noqa: ARG002 - for those whose messages are small
        decoded: SampleBlock | None = None,  # noqa: ARG002
    ) -> Sequence[Sample] | None:
        """Decode messages, at least one, of one frame at once.

        ``decoded`` is what somebody else has decoded them to, who may have done so otherwise.
        None where they have to be read one by one, as where one of them cannot be used.
        """
        return None

    def details(
        self,
        blocks: Sequence[Sequence[Sample]],
        refused: Mapping[str, int],  # noqa: ARG002 - for those that tell something of them
    ) -> ContentDetails | None:
        """Put samples into figures; they come in blocks of neighbours, and there may be none."""
        samples = [sample for block in blocks for sample in block]
        return self._measure(samples) if samples else None


class _Notes:
    """What is counted of the messages that were looked into."""

    def __init__(self) -> None:
        self.looked_at = 0
        self.refused: Counter[str] = Counter()
        self.frames: Counter[str] = Counter()
        self.complaint = ''
        self.frame_id: str | None = None

    def read(self, reader: ContentReader, data: bytes, received_ns: int) -> Sample | None:
        self.looked_at += 1
        try:
            sample = reader.read(data, received_ns)
        except DecodeError as error:
            self.refuse(error)
            return None
        self._note(sample)
        return sample

    def add(self, samples: Sequence[Sample]) -> None:
        """Count messages of one frame that can be used, at least one."""
        self.looked_at += len(samples)
        self._note(samples[-1], len(samples))

    def read_all(
        self,
        reader: ContentReader,
        messages: Sequence[bytes],
        received_ns: Sequence[int],
        decoded: SampleBlock | None,
    ) -> Sequence[Sample]:
        """Read messages, at least one; gives those that can be used."""
        samples = reader.read_block(messages, decoded)
        if samples is not None:
            self.add(samples)
            return samples
        read = (self.read(reader, *each) for each in zip(messages, received_ns, strict=True))
        return [sample for sample in read if sample is not None]

    def refuse(self, error: DecodeError) -> None:
        """Count a message that was looked at and cannot be used."""
        if error.reason != 'zero_stamp':
            self.refused[error.reason] += 1
            self.complaint = str(error)

    def _note(self, sample: Sample, count: int = 1) -> None:
        self.frame_id = sample.frame_id
        if len(self.frames) < _MOST_FRAMES or sample.frame_id in self.frames:
            self.frames[sample.frame_id] += count

    def contents(self, reader: ContentReader, blocks: Sequence[Sequence[Sample]]) -> Contents:
        return Contents(
            self.looked_at,
            self.frame_id,
            dict(self.refused),
            self.complaint,
            reader.details(blocks, self.refused),
            dict(self.frames),
        )


class ContentGauge:
    """Looks into a whole stream, however long: blocks of neighbouring messages spread over it.

    Of a short one all messages are looked into. When there are too many blocks every other one
    is let go, and from then on half as many are looked into.
    """

    def __init__(self, reader: ContentReader, sampling: Sampling) -> None:
        self._reader = reader
        self._sampling = sampling
        self._stride = 1
        self._seen = 0
        self._notes = _Notes()
        # Of a whole block at once neither list nor samples are made.
        self._blocks: dict[int, Sequence[Sample]] = {}

    def note(self, data: bytes, received_ns: int) -> None:
        """Take the next message."""
        block = self._next()
        if block is None:
            return
        sample = self._notes.read(self._reader, data, received_ns)
        if sample is not None:
            self._keep(block, (sample,))

    def note_block(
        self,
        messages: Sequence[bytes],
        received_ns: Sequence[int],
        decoded: SampleBlock | None = None,
    ) -> None:
        """Take messages that follow each other, and what they were decoded to, if they were."""
        for part, block in self._parts(len(messages)):
            samples = self._notes.read_all(
                self._reader,
                messages[part],
                received_ns[part],
                None if decoded is None else decoded[part],
            )
            self._keep(block, samples)

    def note_samples(self, samples: Sequence[Sample]) -> None:
        """Take what :meth:`ContentReader.read_block` gave of messages that follow each other."""
        for part, block in self._parts(len(samples)):
            self._notes.add(samples[part])
            self._keep(block, samples[part])

    def _keep(self, block: int, samples: Sequence[Sample]) -> None:
        kept = self._blocks[block]
        if isinstance(kept, list):
            kept += samples
        else:
            self._blocks[block] = [*kept, *samples] if kept else samples

    def _parts(self, count: int) -> Iterator[tuple[slice, int]]:
        """Yield which of so many messages are looked into, and to which block they belong."""
        at = 0
        while at < count:
            # Up to where the next block of neighbours begins.
            rest = -self._seen % self._sampling.block or self._sampling.block
            part = slice(at, min(at + rest, count))
            block = self._next(part.stop - at)
            if block is not None:
                yield part, block
            at = part.stop

    def _next(self, count: int = 1) -> int | None:
        """Give the block that the next messages belong to, None where it is not looked into."""
        block = self._seen // self._sampling.block
        self._seen += count
        if block % self._stride:
            return None
        if block not in self._blocks:
            self._begin(block)
        return block if block in self._blocks else None

    def _begin(self, block: int) -> None:
        if len(self._blocks) >= self._sampling.blocks:
            self._stride *= 2
            self._blocks = {n: kept for n, kept in self._blocks.items() if not n % self._stride}
        if not block % self._stride:
            self._blocks[block] = ()

    def contents(self) -> Contents:
        """Say what was found so far."""
        return self._notes.contents(self._reader, list(self._blocks.values()))


class NewestContents:
    """Looks into the newest messages of a live stream, when it is asked to and not before.

    :meth:`note` may be called by one thread, :meth:`contents` by another.
    """

    def __init__(self, reader: ContentReader, newest: Newest) -> None:
        self._reader = reader
        self._waiting: deque[Received] = deque(maxlen=newest.waiting)
        self._kept: deque[Sample | DecodeError] = deque(maxlen=newest.kept)

    def note(self, data: bytes, received_ns: int) -> None:
        """Take the next message."""
        self._waiting.append((data, received_ns))

    def note_block(
        self,
        messages: Sequence[bytes],
        received_ns: Sequence[int],
        decoded: SampleBlock | None = None,  # noqa: ARG002 - most of them are never looked into
    ) -> None:
        """Take messages that follow each other."""
        self._waiting.extend(zip(messages, received_ns, strict=True))

    def contents(self) -> Contents:
        """Say what the newest messages hold."""
        if len(self._waiting) == self._waiting.maxlen and self._waiting.maxlen > 1:
            # What came before is no neighbour of it.
            self._kept.clear()
        self._kept.extend(self._read([*self._taken()]))
        total = _Notes()
        total.looked_at = len(self._kept)
        samples = [each for each in self._kept if not isinstance(each, DecodeError)]
        if samples:
            total.frame_id = samples[-1].frame_id
            total.frames = Counter(sample.frame_id for sample in samples)
        if len(samples) < len(self._kept):
            for each in self._kept:
                if isinstance(each, DecodeError):
                    total.refuse(each)
        return total.contents(self._reader, [samples])

    def _read(self, taken: Sequence[Received]) -> Iterator[Sample | DecodeError]:
        samples = self._reader.read_block([data for data, _ in taken]) if taken else None
        if samples is not None:
            yield from samples
            return
        for data, received_ns in taken:
            try:
                yield self._reader.read(data, received_ns)
            except DecodeError as error:
                # Without what it was raised from, which holds the message.
                yield DecodeError(error.reason, str(error))

    def _taken(self) -> Iterator[Received]:
        while True:
            try:
                yield self._waiting.popleft()
            except IndexError:
                return


def read_contents(reader: ContentReader, messages: Iterable[Received]) -> Contents:
    """Look into every one of some messages."""
    notes = _Notes()
    samples = [notes.read(reader, data, received_ns) for data, received_ns in messages]
    return notes.contents(reader, [[sample for sample in samples if sample is not None]])

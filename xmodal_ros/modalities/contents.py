"""What the messages of any sensor hold, and what is doubtful about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TYPE_CHECKING

from xmodal_ros.streams.sample import DecodeError, Decoder, Sample

if TYPE_CHECKING:
    from xmodal_ros.modalities.audio.decoder import AudioFormat

Received = tuple[bytes, int]
"""A serialized message, and when it came in nanoseconds."""


@dataclass(frozen=True)
class Problem:
    """Something that is wrong with a sensor's data.

    ``code`` names its kind for programs; ``problem`` and ``remedy`` are for a person.
    """

    level: Literal['error', 'warning', 'note']
    code: str
    problem: str
    remedy: str


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
    words why the last of them was; stamps that are not set count elsewhere. ``details`` are the
    modality's, None where it has none or no message tells any.
    """

    looked_at: int = 0
    frame_id: str | None = None
    refused: dict[str, int] = field(default_factory=dict)
    complaint: str = ''
    details: ContentDetails | None = None


def decode_messages(
    decode: Decoder, messages: Sequence[Received]
) -> tuple[Contents, list[Sample]]:
    """Decode one message after the other; gives what can be said of any, and the samples."""
    samples: list[Sample] = []
    refused: Counter[str] = Counter()
    complaint = ''
    for data, received_ns in messages:
        try:
            samples.append(decode(data, received_ns))
        except DecodeError as error:
            if error.reason != 'zero_stamp':
                refused[error.reason] += 1
                complaint = str(error)
    frame_id = samples[-1].frame_id if samples else None
    return Contents(len(messages), frame_id, dict(refused), complaint), samples

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

"""Cut the windows of a recording once, with or without labels, and keep each sample once.

Windows overlap: at the density of training, each sample is part of a dozen. What is kept of a
sensor is its stream on the windows' grid, of which windows are slices. That holds by comparison,
not by assumption: the code that runs on a robot cuts each window, and where it does not continue
the one before bit by bit (after a gap, or with sound that is laid out anew) it is kept whole.
"""

from array import array
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, BinaryIO, Final, Self

import numpy as np
from numpy.typing import NDArray

from xmodal_ros.bags.reading import BagReader
from xmodal_ros.modalities.audio.decoder import AudioFormat, PLAIN_TYPE
from xmodal_ros.modalities.checks import Problem
from xmodal_ros.modalities.intake import SensorIntake
from xmodal_ros.modalities.registry import find_modality, StreamSpec
from xmodal_ros.modalities.sensor import Sensor
from xmodal_ros.streams.cdr import read_stamp_ns
from xmodal_ros.streams.sample import DecodeError
from xmodal_ros.windows.assembler import Window
from xmodal_ros.windows.epochs import in_one_time
from xmodal_ros.windows.windowing import SECOND_NS, WindowingSpec

STREAM_FILE: Final = 'stream'
# Of each second of a recording, the message that was least delayed tells where the clocks are.
_DELAY_STEP_NS: Final = SECOND_NS
# So many samples of sound are not twice the same, but for silence.
_NEEDLE: Final = 64

CutSpec = tuple[StreamSpec, WindowingSpec]


@dataclass(frozen=True)
class Gaps:
    """Steps between stamps so long that no sample covers some point of the grid between.

    ``count`` of them leave ``seconds`` uncovered; ``longest_s`` is the longest step.
    """

    count: int = 0
    seconds: float = 0.0
    longest_s: float = 0.0


@dataclass(frozen=True)
class CutFacts:
    """What is known of a sensor's cut stream besides its numbers.

    ``dtype`` and ``shape`` (K, ...) are the stream's, ``steps`` a window's. Of ``received``
    messages ``drops`` were not used, by reason; ``complaint`` is the last one's in words. Time
    jumped ``resets`` times, so that ``moved`` windows, by up to ``moved_s`` seconds, are placed by
    when they were received.
    ``problems`` are what is doubtful about its data. ``first_ns`` and ``last_ns`` are the stamps
    of the first and the last message, 0 without any. Messages usually came at ``rate_hz``, 0
    where that is not known.
    """

    dtype: str
    shape: tuple[int, ...]
    steps: int
    received: int
    drops: Mapping[str, int]
    complaint: str
    resets: int
    gaps: Gaps
    first_ns: int
    last_ns: int
    problems: tuple[Problem, ...] = ()
    moved: int = 0
    moved_s: float = 0.0
    rate_hz: float = 0.0

    @property
    def usable(self) -> bool:
        """Whether any message could be used."""
        return sum(self.drops.values()) < self.received

    def document(self) -> dict[str, Any]:
        """Give it in a form that JSON can hold."""
        return asdict(self)

    @classmethod
    def read(cls, document: dict[str, Any]) -> Self:
        """Undo :meth:`document`; raises KeyError or TypeError for what is none."""
        shape = tuple(map(int, document['shape']))
        problems = tuple(Problem(**each) for each in document['problems'])
        gaps = Gaps(**document['gaps'])
        return cls(**{**document, 'shape': shape, 'gaps': gaps, 'problems': problems})


@dataclass(frozen=True, eq=False)
class CutIndex:
    """Where the windows (N,) of a cut stream lie, and how its clock ran.

    Window ``i`` ends at ``ends_ns[i]``, in the one time of the recording, begins at row
    ``firsts[i]`` of the stream and is covered by samples to the share ``coverage[i]``.
    ``received_ns`` (M,) and ``delays_ns`` (M,) say, about once a second, when the least delayed
    message was received, and how long after its stamp.
    """

    ends_ns: NDArray[np.int64]
    firsts: NDArray[np.int64]
    coverage: NDArray[np.float64]
    received_ns: NDArray[np.int64]
    delays_ns: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Cut:
    """A sensor's windows of one recording, except for the stream itself."""

    facts: CutFacts
    index: CutIndex


@dataclass(frozen=True)
class CutRequest:
    """What to cut of one sensor of a recording."""

    sensor: Sensor
    msgtype: str
    cut_spec: CutSpec
    audio_format: AudioFormat | None = None


def cut_recording(
    reader: BagReader,
    requests: Mapping[str, CutRequest],
    open_file: Callable[[str, str], BinaryIO],
    progress: Callable[[], None] = lambda: None,
) -> dict[str, Cut]:
    """Read a recording once and cut the windows of the sensors in ``requests``.

    ``open_file`` gives for a sensor's name and :data:`STREAM_FILE` what its stream is written to,
    sample by sample; it is for the caller to close. Memory holds a window of each sensor, and 48
    bytes a window. ``progress`` is called after each message. Raises BagError for damage and
    OSError for a stream that cannot be written.
    """
    cuts = {
        request.sensor.topic: (name, _SensorCut(request, open_file(name, STREAM_FILE)))
        for name, request in requests.items()
    }
    for message in reader.messages(list(cuts)):
        cuts[message.topic][1].push(message.data, message.received_ns)
        progress()
    return {name: cut.finish() for name, cut in cuts.values()}


class _SensorCut:
    def __init__(self, request: CutRequest, file: BinaryIO) -> None:
        stream, spec = request.cut_spec
        modality = find_modality(stream.modality)
        self._spec = spec
        self._stamped = request.msgtype != PLAIN_TYPE
        self._intake = SensorIntake(
            stream,
            spec,
            request.msgtype,
            request.sensor.placement,
            audio_format=request.audio_format,
            look_at='all',
        )
        self._modality, self._topic = modality, request.sensor.topic
        self._windows = _WindowFile(spec, stream.sample_shape, file, modality.compact)
        self._due_ns = array('q')
        self._waiting: list[bytes] = []
        self._received_ns: list[int] = []
        self._clock = _ClockNotes(2 * spec.margin_ns, in_chunks=modality.chunked)

    def push(self, data: bytes, received_ns: int) -> None:
        self._clock.note(self._stamp(data, received_ns), received_ns)
        self._waiting.append(data)
        self._received_ns.append(received_ns)
        if len(self._waiting) >= self._intake.block_size:
            self._cut()

    def _cut(self) -> None:
        for number, windows in self._intake.push_all(self._waiting, self._received_ns):
            for window in windows:
                self._windows.add(window)
                self._due_ns.append(self._received_ns[number])
        self._waiting.clear()
        self._received_ns.clear()

    def _stamp(self, data: bytes, received_ns: int) -> int:
        if not self._stamped:
            return received_ns
        try:
            return read_stamp_ns(data)
        except DecodeError:
            return 0

    def finish(self) -> Cut:
        self._cut()
        intake, windows, clock = self._intake, self._windows, self._clock
        clock.finish()
        ends = in_one_time(windows.ends_ns, self._due_ns, self._spec.hop_ns)
        moved = ends - np.array(windows.ends_ns, dtype=np.int64)
        facts = CutFacts(
            dtype=windows.dtype.str,
            shape=(windows.rows, *windows.sample_shape),
            steps=self._spec.steps,
            received=intake.received,
            drops=intake.drops,
            complaint=intake.complaint,
            resets=intake.resets,
            gaps=clock.gaps(),
            first_ns=clock.first_ns,
            last_ns=clock.last_ns,
            moved=int(np.count_nonzero(moved)),
            moved_s=float(np.abs(moved).max(initial=0)) / SECOND_NS,
            rate_hz=intake.rate_hz,
            problems=tuple(self._modality.check_contents(intake.contents(), self._topic)),
        )
        received = np.array(clock.received_ns, dtype=np.int64)
        delays = np.array(clock.delays_ns, dtype=np.int64)
        index = CutIndex(
            ends,
            np.array(windows.firsts, dtype=np.int64),
            np.array(windows.coverage, dtype=np.float64),
            received,
            received - in_one_time(received - delays, received),
        )
        return Cut(facts, index)


@dataclass
class _WindowFile:
    """Append windows to a stream, each sample of those that continue each other once."""

    spec: WindowingSpec
    sample_shape: tuple[int, ...]
    file: BinaryIO
    compact: Callable[[NDArray[Any]], NDArray[Any]]
    dtype: np.dtype[Any] = field(default_factory=lambda: np.dtype(np.float32))
    rows: int = 0
    ends_ns: 'array[int]' = field(default_factory=lambda: array('q'))
    firsts: 'array[int]' = field(default_factory=lambda: array('q'))
    coverage: 'array[float]' = field(default_factory=lambda: array('d'))
    _before: NDArray[Any] | None = None

    def add(self, window: Window) -> None:
        values = np.ascontiguousarray(self.compact(window.values))
        new = len(values) - self._shared(values, window.end_ns)
        self.file.write(values[len(values) - new :].data)
        self.rows += new
        self.dtype, self._before = values.dtype, values
        self.ends_ns.append(window.end_ns)
        self.firsts.append(self.rows - len(values))
        self.coverage.append(window.coverage)

    def _shared(self, values: NDArray[Any], end_ns: int) -> int:
        """Give how many of the window's first samples are the last ones of the stream."""
        if self._before is None:
            return 0
        rate = self.spec.rate_hz
        shift = end_ns * rate // SECOND_NS - self.ends_ns[-1] * rate // SECOND_NS
        if _continues(self._before, values, shift):
            return len(values) - shift
        if values.ndim == 1:
            # Sound is laid out from a window's first chunk, some samples off by the grid.
            slack = self.spec.margin_ns * rate // SECOND_NS
            shift = _find(self._before, values, shift, slack)
            if _continues(self._before, values, shift):
                return len(values) - shift
        return 0


def _continues(before: NDArray[Any], values: NDArray[Any], shift: int) -> bool:
    """Say whether a window is the one before, moved on by ``shift`` samples, to the last bit."""
    if not 0 <= shift < len(values):
        return False
    shared = len(values) - shift
    # By their bits, for 0.0 and -0.0 are equal as numbers.
    return np.array_equal(values[:shared].view(np.uint8), before[shift:].view(np.uint8))


def _find(before: NDArray[Any], values: NDArray[Any], near: int, slack: int) -> int:
    """Look for a window's beginning within ``slack`` samples of ``near``; -1 where it is not."""
    size = values.itemsize
    first = max(0, near - slack)
    span = before[first : near + slack + _NEEDLE].tobytes()
    at = span.find(values[:_NEEDLE].tobytes())
    return first + at // size if at >= 0 and at % size == 0 else -1


@dataclass
class _ClockNotes:
    """What the stamps say of gaps and clocks: a few numbers a second, however many messages."""

    longest_step_ns: int
    in_chunks: bool
    first_ns: int = 0
    last_ns: int = 0
    received_ns: 'array[int]' = field(default_factory=lambda: array('q'))
    delays_ns: 'array[int]' = field(default_factory=lambda: array('q'))
    _count: int = 0
    _uncovered_ns: int = 0
    _longest_ns: int = 0
    _usual_ns: int = 0
    _least: tuple[int, int] | None = None
    _until_ns: int = 0

    def note(self, stamp_ns: int, received_ns: int) -> None:
        if stamp_ns <= 0:
            return
        if self.first_ns:
            step = stamp_ns - self.last_ns
            self._longest_ns = max(self._longest_ns, step)
            # A chunk of sound covers the time to the next, however long it is.
            usual_ns = 2 * self._usual_ns if self.in_chunks else 0
            allowed_ns = max(self.longest_step_ns, usual_ns)
            if step <= allowed_ns or (self.in_chunks and not self._usual_ns):
                self._usual_ns = step
            else:
                self._count += 1
                self._uncovered_ns += step - allowed_ns
        else:
            self.first_ns = stamp_ns
        self.last_ns = stamp_ns
        if received_ns >= self._until_ns:
            self.finish()
            self._until_ns = received_ns + _DELAY_STEP_NS
        delay = received_ns - stamp_ns
        if self._least is None or delay < self._least[1]:
            self._least = received_ns, delay

    def finish(self) -> None:
        if self._least is not None:
            self.received_ns.append(self._least[0])
            self.delays_ns.append(self._least[1])
            self._least = None

    def gaps(self) -> Gaps:
        return Gaps(self._count, self._uncovered_ns / SECOND_NS, self._longest_ns / SECOND_NS)

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

"""One classifier at work: serialized messages in, decisions out, everything counted."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
import threading
import time
from typing import Final, TYPE_CHECKING

from xmodal_ros.modalities.audio.decoder import AudioFormat
from xmodal_ros.modalities.checks import Problem
from xmodal_ros.modalities.intake import SensorIntake
from xmodal_ros.modalities.registry import find_modality
from xmodal_ros.models.configuration_bundle import learnt_statistics
from xmodal_ros.runtime.health import Counters
from xmodal_ros.runtime.inference import InferenceThread
from xmodal_ros.runtime.latency import RecentLatencies
from xmodal_ros.streams.placement import AS_IT_COMES, Placement

if TYPE_CHECKING:
    # torch comes with them; a node must start without it, to say that it is missing.
    from xmodal_ros.runtime.engine import Engine, Prediction
    from xmodal_ros.windows.assembler import Window

# So many windows back it is known when they fell due.
_REMEMBERED: Final = 1000


@dataclass(frozen=True, slots=True)
class Received:
    """One serialized message, and when it came in nanoseconds of the system clock."""

    data: bytes
    received_ns: int


@dataclass(frozen=True)
class PipelineClocks:
    """The clocks of a process in nanoseconds: steady for ages, system for times of receipt."""

    steady: Callable[[], int] = time.monotonic_ns
    system: Callable[[], int] = time.time_ns


class Feed:
    """A way from messages to decisions: the type of the messages, the sensor's place, the model.

    ``engine`` may be exchanged at any moment by one that :meth:`fits`. ``waiting`` gives messages
    that have come and were not pushed yet, where some may wait. The rest belongs to the
    :class:`Pipeline`.
    """

    waiting: Callable[[], Iterable[Received]] | None = None

    def __init__(
        self,
        engine: Engine,
        msgtype: str,
        placement: Placement = AS_IT_COMES,
        audio_format: AudioFormat | None = None,
    ) -> None:
        self.engine = engine
        self.placement = placement
        self._audio_format = audio_format
        self.intake = self._make_intake(msgtype)

    def fits(self, engine: Engine) -> bool:
        """Tell whether another model reads the very windows that this feed makes."""
        ours, theirs = self.engine.bundle.info, engine.bundle.info
        return (ours.stream, ours.window) == (theirs.stream, theirs.window)

    def use_type(self, msgtype: str) -> None:
        """Read messages of another type from now on; the stream starts anew."""
        self.intake = self._make_intake(msgtype)

    def use_placement(self, placement: Placement) -> None:
        """Turn or cut samples in another way from now on; the stream starts anew."""
        self.placement = placement
        self.intake.use_placement(placement)

    def use_format(self, audio_format: AudioFormat | None) -> None:
        """Read audio that does not say its format as this; None refuses it."""
        self._audio_format = audio_format
        self.intake.use_format(audio_format)

    def _make_intake(self, msgtype: str) -> SensorIntake:
        info = self.engine.bundle.info
        return SensorIntake(
            info.stream,
            info.window,
            msgtype,
            self.placement,
            self._audio_format,
            look_at='newest',
        )

    def problems(self, topic: str) -> tuple[Problem, ...]:
        """Say what is doubtful about the newest messages, on a topic, for the model."""
        info = self.engine.bundle.info
        return (
            *find_modality(info.modality).check_for_model(
                self.intake.contents(), topic, learnt_statistics(info)
            ),
            *self.intake.check_rate(info.learnt_rate_hz),
        )


@dataclass(eq=False, slots=True)
class _Due:
    window: Window
    received_ns: int
    feed: Feed
    # Where it was decided on together with others.
    prediction: Prediction | None = None


def _decide_together(dues: Sequence[_Due]) -> None:
    """Decide on windows of any pipelines, those of one model in one batch."""
    from xmodal_ros.runtime.engine import classify_together

    asked = [(due.feed.engine, due.window) for due in dues]
    for due, prediction in zip(dues, classify_together(asked), strict=True):
        due.prediction = prediction


class Pipeline:
    """Windows what is pushed, and publishes decisions from the inference thread.

    Another feed can be prepared aside: both are pushed to, the old one decides until the new one
    has filled a window, and from then on the new one does; ``switched`` is told so. No hop goes
    without a decision, and no stamp is decided on twice: what waits for the old one counts before.

    ``publish`` is called in the inference thread; ``failed`` is told, in any thread, of
    exceptions nobody expected, which are counted and end nothing. Latency is the time from the
    receipt of the sample that made a window due until ``publish`` returned. With ``batching``,
    windows that wait are decided on in one batch with those of other such pipelines.
    """

    def __init__(
        self,
        feed: Feed,
        inference: InferenceThread,
        queue_size: int,
        publish: Callable[[Prediction], None],
        failed: Callable[[str, Exception], None],
        switched: Callable[[], None] = lambda: None,
        clocks: PipelineClocks = PipelineClocks(),
        *,
        batching: bool = False,
    ) -> None:
        self._publish = publish
        self._failed = failed
        self._switched = switched
        self._clocks = clocks
        self._lock = threading.Lock()
        self._feed = feed
        self._aside: Feed | None = None
        # Where the last windows ended, and when the sample came that each fell due by.
        self._ended: deque[tuple[int, int]] = deque(maxlen=_REMEMBERED)
        # Up to where the feed before decided, until the new one has gone further.
        self._decided_ns: int | None = None
        self._queue = inference.queue(
            queue_size,
            self._classify,
            self._classify_failed,
            _decide_together if batching else None,
        )
        self._newest_ns: int | None = None
        self._windows = self._unknown = self._failures = 0
        self._failure = self._label = ''
        self._coverage: float | None = None
        self._latencies = RecentLatencies()
        self._retired = _Intakes()

    @property
    def feed(self) -> Feed:
        """The feed that decides."""
        return self._feed

    def prepare(self, feed: Feed) -> None:
        """Let this feed take over once it has filled a window; one prepared before is let go."""
        with self._lock:
            self._aside = feed

    def abandon(self) -> None:
        """Let go what was prepared; what decides goes on deciding."""
        with self._lock:
            self._aside = None

    def push(self, feed: Feed, take: Callable[[], Iterable[Received]]) -> None:
        """Take messages for a feed and window them; one that was let go takes nothing.

        Taking and windowing are one step, so that two threads cannot change the order; ``take``
        may change how the feed reads what it gives.
        """
        with self._lock:
            if feed is self._feed or feed is self._aside:
                self._push(feed, take())

    def _push(self, feed: Feed, messages: Iterable[Received]) -> None:
        messages = [*messages]
        if feed is self._feed and self._push_block(feed, messages):
            return
        for received in messages:
            if feed is self._feed:
                self._newest_ns = self._clocks.steady()
            try:
                windows = feed.intake.push(received.data, received.received_ns)
            except Exception as error:  # noqa: BLE001 - no input may end the thread
                self._fail('on a message', error)
                continue
            if feed is self._aside:
                windows = self._take_over(feed, windows)
            self._submit(feed, windows, received.received_ns)

    def _push_block(self, feed: Feed, messages: Sequence[Received]) -> bool:
        """Push messages at once; False where they have to be pushed one by one."""
        received_ns = [each.received_ns for each in messages]
        try:
            due = feed.intake.push_block([each.data for each in messages], received_ns)
        except Exception as error:  # noqa: BLE001 - no input may end the thread
            self._fail('on messages', error)
            return True
        if due is None:
            return False
        self._newest_ns = self._clocks.steady()
        for number, windows in due:
            self._submit(feed, windows, received_ns[number])
        return True

    def _submit(self, feed: Feed, windows: list[Window], received_ns: int) -> None:
        windows = self._not_decided(windows, received_ns)
        if windows:
            self._ended.extend((window.end_ns, received_ns) for window in windows)
            self._queue.submit([_Due(window, received_ns, feed) for window in windows])

    def _push_waiting(self) -> None:
        """Let the feed that decides have what has come for it, which nobody takes afterwards."""
        if self._feed.waiting is None:
            return
        try:
            self._push(self._feed, self._feed.waiting())
        except Exception as error:  # noqa: BLE001 - no input may keep another from taking over
            self._fail('on taking messages', error)

    def _take_over(self, feed: Feed, windows: list[Window]) -> list[Window]:
        """Switch to the feed prepared with its first full window."""
        spec = feed.engine.bundle.info.window
        for index, window in enumerate(windows):
            if window.coverage >= spec.min_coverage:
                self._push_waiting()
                self._retired.add(self._feed.intake)
                self._feed, self._aside = feed, None
                self._newest_ns = self._clocks.steady()
                self._decided_ns = self._ended[-1][0] if self._ended else None
                self._switched()
                return windows[index:]
        return []

    def _not_decided(self, windows: list[Window], received_ns: int) -> list[Window]:
        """Leave out windows of stamps on which the feed before has decided already.

        The new one may lag behind: by less than a window's length, or by more where the old one
        had windows of about these stamps when these samples came, and has merely been taken
        earlier. Other stamps that lie back are of another clock, and count.
        """
        decided = self._decided_ns
        if decided is None:
            return windows
        length_ns = self._feed.engine.bundle.info.window.length_ns
        for index, window in enumerate(windows):
            behind_ns = decided - window.end_ns
            if behind_ns < 0 or not (
                behind_ns < length_ns
                or any(
                    abs(end_ns - window.end_ns) < length_ns
                    and abs(then_ns - received_ns) < length_ns
                    for end_ns, then_ns in self._ended
                )
            ):
                self._decided_ns = None
                return windows[index:]
        return []

    def reset(self) -> None:
        """Start the streams anew, as after a jump of ROS time."""
        with self._lock:
            for feed in filter(None, (self._feed, self._aside)):
                feed.intake.reset()
            self._decided_ns = None

    def use_type(self, feed: Feed, msgtype: str) -> None:
        """Let a feed read messages of another type from now on; its stream starts anew."""
        with self._lock:
            if feed is self._feed:
                self._retired.add(feed.intake)
            feed.use_type(msgtype)

    def use_format(self, feed: Feed, audio_format: AudioFormat | None) -> None:
        """Let a feed read audio that does not say its format as this; None refuses it."""
        with self._lock:
            feed.use_format(audio_format)

    def finish(self, timeout_s: float) -> bool:
        """Wait until everything due is published; False when that takes too long."""
        return self._queue.finish(timeout_s)

    def close(self) -> None:
        """Discard what waits; nothing is published afterwards."""
        self._queue.close()

    def counters(self) -> Counters:
        """Give everything counted so far.

        Windows of all messages counted are pending or classified: nothing is in between.
        """
        with self._lock:
            total = self._retired.copy()
            total.add(self._feed.intake)
            complaint = self._feed.intake.complaint
        return Counters(
            received=total.received,
            drops=dict(total.drops),
            complaint=complaint,
            resets=total.resets,
            pending=self._queue.pending,
            windows=self._windows,
            unknown=self._unknown,
            queue_drops=self._queue.dropped,
            failures=self._failures,
            failure=self._failure,
            coverage=self._coverage,
            latency=self._latencies.figures(),
            newest_ns=self._newest_ns,
            label=self._label,
        )

    def _classify(self, due: _Due) -> None:
        prediction = due.prediction or due.feed.engine.classify(due.window)
        self._publish(prediction)
        self._latencies.add(self._clocks.system() - due.received_ns)
        self._coverage = prediction.coverage
        self._label = f'{prediction.label} ({prediction.scores[0][1]:.2f})'
        self._unknown += prediction.label == 'unknown'
        self._windows += 1

    def _classify_failed(self, error: Exception) -> None:
        self._fail('on a window', error)

    def _fail(self, where: str, error: Exception) -> None:
        self._failures += 1
        self._failure = f'{where}: {error!r}'
        self._failed(where, error)


class _Intakes:
    """What several intakes, one after another, have counted together."""

    def __init__(self) -> None:
        self.received = self.resets = 0
        self.drops: Counter[str] = Counter()

    def add(self, intake: SensorIntake) -> None:
        self.received += intake.received
        self.resets += intake.resets
        self.drops.update(intake.drops)

    def copy(self) -> _Intakes:
        twin = _Intakes()
        twin.received, twin.resets, twin.drops = self.received, self.resets, self.drops.copy()
        return twin

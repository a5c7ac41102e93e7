"""One classifier at work: serialized messages in, decisions out, everything counted."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
import threading
import time
from typing import TYPE_CHECKING

from xmodal_ros.runtime.health import Counters
from xmodal_ros.runtime.inference import InferenceThread
from xmodal_ros.runtime.latency import RecentLatencies
from xmodal_ros.windows.intake import SensorIntake

if TYPE_CHECKING:
    # torch comes with them; a node must start without it, to say that it is missing.
    from xmodal_ros.runtime.engine import Engine, Prediction
    from xmodal_ros.windows.assembler import Window


@dataclass(frozen=True, slots=True)
class Received:
    """One serialized message, and when it came in nanoseconds of the system clock."""

    data: bytes
    received_ns: int


@dataclass(frozen=True, eq=False, slots=True)
class _Due:
    window: Window
    received_ns: int


@dataclass(frozen=True)
class Clocks:
    """The clocks of a process in nanoseconds: steady for ages, system for times of receipt."""

    steady: Callable[[], int] = time.monotonic_ns
    system: Callable[[], int] = time.time_ns


class Pipeline:
    """Windows what is pushed, and publishes decisions from the inference thread.

    ``publish`` is called there; ``failed`` is told, in any thread, of exceptions nobody
    expected, which are counted and end nothing. Latency is the time from the receipt of the
    sample that made a window due until ``publish`` returned.
    """

    def __init__(
        self,
        engine: Engine,
        msgtype: str,
        inference: InferenceThread,
        queue_size: int,
        publish: Callable[[Prediction], None],
        failed: Callable[[str, Exception], None],
        clocks: Clocks = Clocks(),
    ) -> None:
        self.engine = engine
        self._publish = publish
        self._failed = failed
        self._clocks = clocks
        self._lock = threading.Lock()
        self._intake = self._make_intake(msgtype)
        self._lane = inference.lane(queue_size, self._classify, self._classify_failed)
        self._newest_ns: int | None = None
        self._windows = self._unknown = self._failures = 0
        self._failure = self._label = ''
        self._coverage: float | None = None
        self._latencies = RecentLatencies()

    def push(self, take: Callable[[], Iterable[Received]]) -> None:
        """Take messages and window them.

        Taking and windowing are one step, so that two threads cannot change the order.
        """
        with self._lock:
            for received in take():
                self._newest_ns = self._clocks.steady()
                try:
                    windows = self._intake.push(received.data)
                except Exception as error:  # noqa: BLE001 - no input may end the thread
                    self._fail('on a message', error)
                    continue
                if windows:
                    self._lane.submit([_Due(each, received.received_ns) for each in windows])

    def reset(self) -> None:
        """Start the stream anew, as after a jump of ROS time."""
        with self._lock:
            self._intake.reset()

    def use_type(self, msgtype: str) -> None:
        """Read messages of another type from now on; the stream and its counters start anew."""
        with self._lock:
            self._intake = self._make_intake(msgtype)

    def finish(self, timeout_s: float) -> bool:
        """Wait until everything due is published; False when that takes too long."""
        return self._lane.finish(timeout_s)

    def close(self) -> None:
        """Discard what waits; nothing is published afterwards."""
        self._lane.close()

    def counters(self) -> Counters:
        """Give everything counted so far.

        Windows of all messages counted are pending or classified: nothing is in between.
        """
        with self._lock:
            intake = self._intake
            received, drops, resets = intake.received, intake.drops, intake.resets
            complaint = intake.complaint
        return Counters(
            received=received,
            drops=drops,
            complaint=complaint,
            resets=resets,
            pending=self._lane.pending,
            windows=self._windows,
            unknown=self._unknown,
            queue_drops=self._lane.dropped,
            failures=self._failures,
            failure=self._failure,
            coverage=self._coverage,
            latency=self._latencies.figures(),
            newest_ns=self._newest_ns,
            label=self._label,
        )

    def _make_intake(self, msgtype: str) -> SensorIntake:
        info = self.engine.bundle.info
        return SensorIntake(info.stream, info.window, msgtype)

    def _classify(self, due: _Due) -> None:
        prediction = self.engine.classify(due.window)
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

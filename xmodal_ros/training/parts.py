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

"""Parts of a training that do not depend on each other, side by side in processes.

A part begins with random numbers of its own and computes with as many threads wherever it is done,
so that its result is the same to the last bit. Who waits for one does others meanwhile.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, field, replace
import heapq
import json
import pickle
import threading
import time
import traceback
from types import TracebackType
from typing import Any, Final, Generic, Self, TypeVar

import torch

from xmodal_ros.executors import is_lost_worker, LocalExecutor, sendable
from xmodal_ros.machine import free_bytes, usable_cores
from xmodal_ros.methods.method import Pending
from xmodal_ros.progress import EpochMetrics, NullReporter, ProgressReporter
from xmodal_ros.training.callbacks import Callback, TrainerInterface
from xmodal_ros.training.checkpoint import CheckpointStore, kept_nowhere
from xmodal_ros.training.distributed import DistributedContext, SINGLE_PROCESS
from xmodal_ros.training.freed_memory import freed_memory_kept
from xmodal_ros.training.slots import make_slots, read_slot, SLOT_BYTES, take_slots, taken_slot
from xmodal_ros.training.trainer import repeatable, training_threads

T = TypeVar('T')
Stores = Callable[[int, str], CheckpointStore]
# Gives, in another process, where it is to keep states; what cannot be kept is told.
OpenStores = Callable[[Callable[[str], None]], Stores]
Log = Callable[[str, EpochMetrics], None]

# With less to learn from it is done before another process has loaded torch.
_LEAST_WINDOWS: Final = 1000
# What a process takes that trains the net of a camera, and some more.
_PROCESS_BYTES: Final = 2 * 2**30
_LOOK_S: Final = 0.2
# Of a signal that ended another process this one may just be about to hear.
_SIGNAL_S: Final = 0.2


@dataclass(frozen=True)
class FitHooks:
    """What fits of one process are tied to: who hears of them, and where their states are kept."""

    reporter: ProgressReporter = field(default_factory=NullReporter)
    stores: Stores = kept_nowhere
    callbacks: Sequence[Callback] = ()
    context: DistributedContext = SINGLE_PROCESS


Work = Callable[[FitHooks], T]


def processes_for(asked: int | None, windows: int) -> int:
    """Say how many processes shall train parts of what has so many windows, this one among them.

    As many as are ``asked`` for; or else one a core, where there is memory for it and where there
    is enough to do.
    """
    if asked is not None:
        return asked
    if windows < _LEAST_WINDOWS:
        return 1
    cores = usable_cores() // training_threads()
    return max(1, min(cores, 1 + free_bytes() // _PROCESS_BYTES))


class PartExecutor:
    """Do parts in so many ``processes``, of which this one is the first.

    Work that is submitted is called once, here or in another process, with random numbers that
    begin at ``seed``. It and what it gives are pickled; windows in a cache are no more than where
    they lie. ``share_stores`` is asked, before the first process starts, for what opens stores in
    it; ``log`` gets the epochs of parts that others have done, when their result is asked for.
    The block ends processes, whatever they are at.
    """

    def __init__(
        self,
        processes: int,
        seed: int,
        reporter: ProgressReporter,
        log: Log = lambda _stage, _metrics: None,
        share_stores: Callable[[], OpenStores] | None = None,
    ) -> None:
        self.processes = processes
        self._seed = seed
        self._log = log
        self._share_stores = share_stores
        self._open_stores: OpenStores | None = None
        self._lock = threading.RLock()
        self._waiting: list[tuple[bool, int, _Part[Any]]] = []
        self._submitted = 0
        self._closed = False
        self._executor: LocalExecutor | None = None
        self._slots = make_slots(processes - 1)
        self._free = list(range(processes - 1))
        self._told = reporter
        self.reporter: ProgressReporter = reporter if processes < 2 else _Beside(reporter, self)
        """Tells what others are at as well."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with self._lock:
            self._closed = True
            self._waiting.clear()
        if self._executor is not None:
            # Nobody will ask any more for what they are at.
            self._executor.end()
            self._executor.__exit__(kind, error, traceback)

    def submit(self, work: Work[T], hooks: FitHooks, *, later: bool = False) -> 'Pending[T]':
        """Have work done; ``later`` than other work that waits. ``hooks`` are those it gets here.

        What it raises is raised where its result is asked for.
        """
        part = _Part(self, work, hooks)
        if not self._slots:
            return part
        part.content = pickle.dumps(work)
        with self._lock:
            self._submitted += 1
            heapq.heappush(self._waiting, (later, self._submitted, part))
        if self._executor is None:
            if self._share_stores is not None:
                self._open_stores = self._share_stores()
            self._executor = LocalExecutor(len(self._slots), take_slots, (self._slots,))
        self._hand_out()
        return part

    def beside(self, but: int | None = None) -> str:
        """Say what other processes are at, but for one."""
        with self._lock:
            busy = [n for n in range(len(self._slots)) if n not in self._free and n != but]
        states = [read_slot(self._slots[number]) for number in busy]
        return '; '.join(
            f'{state["stage"]}, {state["done"]:.0f} of {state["total"]}'
            for state in states
            if state
        )

    def result(self, part: '_Part[T]') -> T:
        """Give a part's result: do it here where nobody has begun it, or else wait."""
        if part.kept is None and (not self._slots or self.withdraw(part)):
            return self._do_here(part, part.hooks)
        while part.future is not None and not part.future.done():
            if not self._do_ahead():
                self._follow(part)
        try:
            done = part.kept if part.kept is not None else part.wait()
        except Exception as error:
            if not is_lost_worker(error):
                raise
            time.sleep(_SIGNAL_S)
            self._told.note(
                f'a process that trained beside this one ended by itself ({error}): its part is '
                'done here. Is there enough memory? See --jobs'
            )
            return self._do_here(part, part.hooks)
        for note in done.notes:
            self._told.note(note)
        for stage, metrics in done.epochs:
            self._log(stage, metrics)
        if done.error is not None:
            raise done.error
        return done.value

    def withdraw(self, part: '_Part[Any]') -> bool:
        """Let go of a part; says whether nobody has begun it."""
        with self._lock:
            left = [each for each in self._waiting if each[2] is not part]
            found = len(left) < len(self._waiting)
            self._waiting = left
            heapq.heapify(left)
        return found

    def _hand_out(self) -> None:
        """Give work to processes that have none."""
        with self._lock:
            while self._executor and self._free and self._waiting and not self._closed:
                part = heapq.heappop(self._waiting)[2]
                part.slot = self._free.pop()
                self._slots[part.slot].value = b''
                part.future = self._executor.submit(
                    _do_there, part.content, self._seed, self._open_stores, part.slot
                )
                part.future.add_done_callback(part.over)

    def is_over(self, part: '_Part[Any]', future: 'Future[bytes]') -> None:
        """Take a process back that has done its work, unless it has ended."""
        error = None if future.cancelled() else future.exception()
        if error is not None and is_lost_worker(error):
            self._slots[part.slot].value = b''
            return
        with self._lock:
            self._free.append(part.slot)
        self._hand_out()

    def _do_here(self, part: '_Part[T]', hooks: FitHooks) -> T:
        with torch.random.fork_rng():
            torch.manual_seed(self._seed)
            return part.work(hooks)

    def _do_ahead(self) -> bool:
        """Do a part that nobody has begun, where there is one, and keep what comes of it."""
        with self._lock:
            if not self._waiting:
                return False
            part = heapq.heappop(self._waiting)[2]
        collected = _Collecting(part.hooks.reporter)
        recorder = _EpochRecorder()
        hooks = replace(part.hooks, reporter=collected, callbacks=(recorder,))
        try:
            value, error = self._do_here(part, hooks), None
        except Exception as raised:  # noqa: BLE001 - it is raised where the result is asked for
            value, error = None, raised
        part.kept = _Done(value, collected.notes, recorder.epochs, error)
        return True

    def _follow(self, part: '_Part[Any]') -> None:
        """Tell how far a part is that another process is at, for a moment."""
        assert part.future is not None  # noqa: S101 - asked before
        wait([part.future], timeout=_LOOK_S)
        state = read_slot(self._slots[part.slot])
        if not state:
            return
        if part.stage != state['stage']:
            part.stage = state['stage']
            self._told.begin(state['stage'], state['total'])
        if state['metrics'] and state['metrics'] != part.metrics:
            part.metrics = state['metrics']
            self._told.epoch(EpochMetrics(**part.metrics))
        self._told.advance(state['done'], _joined(state['detail'], self.beside(part.slot)))


@dataclass(eq=False)
class _Done(Generic[T]):
    """What came of a part, and what was told meanwhile."""

    value: T
    notes: Sequence[str]
    epochs: Sequence[tuple[str, EpochMetrics]]
    error: Exception | None = None


@dataclass(eq=False)
class _Part(Generic[T]):
    """Work that is done here, ahead of time or when it is wanted, or in another process."""

    executor: PartExecutor
    work: Work[T]
    hooks: FitHooks
    content: bytes = b''
    future: 'Future[bytes] | None' = None
    slot: int = 0
    kept: _Done[T] | None = None
    stage: str = ''
    metrics: Mapping[str, Any] = field(default_factory=dict)

    def result(self) -> T:
        return self.executor.result(self)

    def cancel(self) -> None:
        self.executor.withdraw(self)

    def over(self, future: 'Future[bytes]') -> None:
        self.executor.is_over(self, future)

    def wait(self) -> _Done[T]:
        assert self.future is not None  # noqa: S101 - asked before
        done: _Done[T] = pickle.loads(self.future.result())  # noqa: S301 - of our own process
        return done


class _EpochRecorder(Callback):
    """Keeps all epochs, with what was trained."""

    def __init__(self) -> None:
        self.epochs: list[tuple[str, EpochMetrics]] = []

    def on_fit_start(self, trainer: TrainerInterface) -> None:
        """Add the epochs of the run that this one goes on from."""
        self.epochs += [(trainer.name, metrics) for metrics in trainer.history]

    def on_epoch_end(self, trainer: TrainerInterface, metrics: EpochMetrics) -> None:
        """Add an epoch."""
        self.epochs.append((trainer.name, metrics))


class _Collecting:
    """Tells how far work is, and keeps notes for later."""

    def __init__(self, reporter: ProgressReporter) -> None:
        self.notes: list[str] = []
        self.begin, self.advance, self.epoch = reporter.begin, reporter.advance, reporter.epoch

    def note(self, text: str) -> None:
        self.notes.append(text)


class _Beside:
    """Tells beside how far this process is what others are at."""

    def __init__(self, reporter: ProgressReporter, executor: PartExecutor) -> None:
        self.begin, self.note, self.epoch = reporter.begin, reporter.note, reporter.epoch
        self._reporter = reporter
        self._executor = executor
        self._looked_s = 0.0
        self._others = ''

    def advance(self, done: float, detail: str = '') -> None:
        if time.monotonic() - self._looked_s > _LOOK_S:
            self._looked_s = time.monotonic()
            self._others = self._executor.beside()
        self._reporter.advance(done, _joined(detail, self._others))


def _joined(detail: str, others: str) -> str:
    return '; '.join([*([detail] if detail else []), *([f'beside it {others}'] if others else [])])


class _SlotReporter:
    """Writes how far a part is to where the first process reads it; keeps notes for it."""

    def __init__(self, slot: Any) -> None:
        self.notes: list[str] = []
        self._slot = slot
        self._stage, self._total = '', 0
        self._metrics: EpochMetrics | None = None
        self._written_s = 0.0

    def begin(self, stage: str, total: int) -> None:
        self._stage, self._total, self._metrics = stage, total, None
        self._write(0.0, '')

    def advance(self, done: float, detail: str = '') -> None:
        if time.monotonic() - self._written_s > _LOOK_S:
            self._write(done, detail)

    def epoch(self, metrics: EpochMetrics) -> None:
        self._metrics = metrics
        self._write(metrics.epoch, metrics.words)

    def note(self, text: str) -> None:
        self.notes.append(text)

    def _write(self, done: float, detail: str) -> None:
        self._written_s = time.monotonic()
        state = {
            'stage': self._stage,
            'total': self._total,
            'done': done,
            'detail': detail,
            'metrics': self._metrics and vars(self._metrics),
        }
        # Metrics of others may be tensors, or numbers of numpy.
        content = json.dumps(state, default=float).encode()
        if len(content) < SLOT_BYTES:
            self._slot.value = content


def _do_there(content: bytes, seed: int, open_stores: OpenStores | None, slot: int) -> bytes:
    """Do a part in another process; what it and its result hold is copied once each."""
    work: Work[Any] = pickle.loads(content)  # noqa: S301 - of our own process
    reporter, recorder = _SlotReporter(taken_slot(slot)), _EpochRecorder()
    hooks = FitHooks(reporter, callbacks=(recorder,))
    if open_stores is not None:
        hooks = replace(hooks, stores=open_stores(reporter.note))
    with repeatable(seed), freed_memory_kept():
        try:
            value, error = work(hooks), None
        except Exception as raised:  # noqa: BLE001 - it is raised where the result is asked for
            value, error = None, sendable(raised)
            # Where it was raised is not pickled.
            error.add_note(''.join(traceback.format_exception(raised)))
    return pickle.dumps(_Done(value, reporter.notes, recorder.epochs, error))


IN_TURN: Final = PartExecutor(1, 0, NullReporter())
"""Does each part here, when its result is asked for."""

"""Make a set of simulated recordings, several at a time, and keep those that are there."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
import multiprocessing
from multiprocessing.sharedctypes import SynchronizedArray
from multiprocessing.synchronize import Event
import os
from pathlib import Path
import signal
from typing import Final

import cv2

from xmodal_ros.bags.labels import read_segments
from xmodal_ros.bags.reading import BagReader
from xmodal_ros.bags.writing import replacing
from xmodal_ros.child_process import end_with_parent
from xmodal_ros.errors import BagError, ConfigurationError
from xmodal_ros.simulator.recording import (
    ImageFormat,
    PARAMETERS_KEY,
    RecordingPlan,
    write_recording,
)
from xmodal_ros.simulator.script import draw_performance

MOST_SUBJECTS: Final = 1000
_POLL_S: Final = 0.1

Progress = Callable[[str, float], None]


def _silent(_subject: str, _share: float) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class SimulatedBag:
    """A recording that is there now; ``kept`` when it was before. Counts are messages a topic."""

    path: Path
    subject: str
    kept: bool
    duration_s: float
    counts: Mapping[str, int]
    segments: Mapping[str, int]


def plan_recordings(
    subjects: int, minutes: float, seed: int, images: ImageFormat = 'jpeg'
) -> tuple[RecordingPlan, ...]:
    """Plan one recording a subject.

    A subject's recording does not depend on how many there are. Raises
    :class:`ConfigurationError` for values that cannot be simulated.
    """
    if not 1 <= subjects <= MOST_SUBJECTS:
        raise ConfigurationError(
            f'{subjects} subjects cannot be simulated: choose 1 to {MOST_SUBJECTS}'
        )
    if seed < 0:
        raise ConfigurationError(f'the seed {seed} is negative: choose 0 or more')
    plans = tuple(RecordingPlan(seed, index, minutes, images) for index in range(subjects))
    draw_performance(seed, 0, minutes)
    return plans


def simulate(
    out: Path,
    plans: Sequence[RecordingPlan],
    *,
    jobs: int = 1,
    force: bool = False,
    progress: Progress = _silent,
) -> tuple[SimulatedBag, ...]:
    """Write the planned recordings into the folder ``out``, one bag each, named by subject.

    Bags that are there and were made alike are kept. ``jobs`` processes share the rest; the
    content does not depend on it. ``progress`` hears of each subject's share done, 0 to 1.
    After an exception or Ctrl-C the bags that were finished stay, unfinished ones do not.

    Raises :class:`BagError` when something else is in a bag's place, unless ``force`` is given
    and it is a bag, and when a bag cannot be written.
    """
    missing = [plan for plan in plans if not _is_there(out / plan.subject, plan, force=force)]
    for plan in plans:
        if plan not in missing:
            progress(plan.subject, 1.0)
    if jobs > 1 and len(missing) > 1:
        _write_in_processes(out, missing, min(jobs, len(missing)), progress)
    else:
        for plan in missing:
            _write(out, plan, partial(progress, plan.subject))
    return tuple(_describe(out / plan.subject, plan not in missing) for plan in plans)


def _is_there(path: Path, plan: RecordingPlan, *, force: bool) -> bool:
    if not path.exists() and not path.is_symlink():
        return False
    if not (path / 'metadata.yaml').is_file():
        raise BagError(
            f'{str(path)!r} is in the way and is no bag: remove it or choose another folder'
        )
    try:
        with BagReader(path) as reader:
            found = reader.metadata.get(PARAMETERS_KEY)
    except BagError as error:
        found, why = None, str(error)
    else:
        why = 'it was made with other parameters or by another version of the simulator'
    if found == plan.parameters():
        return True
    if force:
        return False
    raise BagError(
        f'bag {str(path)!r} is there already and cannot be used: {why}. '
        'Replace it with --force, or choose another folder'
    )


def _write(out: Path, plan: RecordingPlan, progress: Callable[[float], None]) -> None:
    path = out / plan.subject
    with replacing(path) as place:
        write_recording(plan, place, progress)


def _describe(path: Path, kept: bool) -> SimulatedBag:
    with BagReader(path) as reader:
        labels = [segment.label for segment in read_segments(reader)]
        return SimulatedBag(
            path=path,
            subject=reader.subject,
            kept=kept,
            duration_s=(reader.end_ns - reader.start_ns) / 1e9,
            counts={name: topic.count for name, topic in sorted(reader.topics.items())},
            segments={label: labels.count(label) for label in sorted(set(labels))},
        )


class _StoppedError(Exception):
    """Raised in a process to make it leave its recording, when the others shall stop too."""


@dataclass(frozen=True)
class _Shared:
    """What the processes share: the share done of each recording, and the order to stop."""

    done: 'SynchronizedArray[float]'
    stop: Event
    parent: int


_shared: _Shared | None = None


def _enter_process(done: 'SynchronizedArray[float]', stop: Event, parent: int) -> None:
    global _shared
    _shared = _Shared(done, stop, parent)
    end_with_parent()
    # Ctrl-C reaches every process of the terminal; only the parent decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)


def _write_in_process(out: Path, plan: RecordingPlan, number: int) -> None:
    shared = _shared
    if shared is None:
        raise RuntimeError('a simulation process was started without its initializer')

    def progress(share: float) -> None:
        if shared.stop.is_set() or os.getppid() != shared.parent:
            raise _StoppedError
        shared.done[number] = share

    _write(out, plan, progress)


def _write_in_processes(
    out: Path, plans: Sequence[RecordingPlan], jobs: int, progress: Progress
) -> None:
    # Fresh processes: forking one that runs threads (a progress bar, a DDS node) can deadlock.
    context = multiprocessing.get_context('spawn')
    done, stop = context.Array('d', len(plans)), context.Event()
    executor = ProcessPoolExecutor(
        jobs, context, initializer=_enter_process, initargs=(done, stop, os.getpid())
    )
    try:
        waiting: set[Future[None]] = {
            executor.submit(_write_in_process, out, plan, number)
            for number, plan in enumerate(plans)
        }
        while waiting:
            ended, waiting = wait(waiting, timeout=_POLL_S)
            for number, plan in enumerate(plans):
                progress(plan.subject, done[number])
            for future in ended:
                future.result()
    except BrokenProcessPool:
        raise BagError(
            'a simulation process was killed, perhaps for lack of memory: try --jobs 1'
        ) from None
    finally:
        stop.set()
        executor.shutdown(wait=True, cancel_futures=True)

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

"""Make a set of simulated recordings, several at a time, and keep those that are there."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, wait
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import cv2

from xmodal_ros.bags.labels import read_segments
from xmodal_ros.bags.reading import BagReader
from xmodal_ros.bags.writing import replacing
from xmodal_ros.errors import BagError, ConfigurationError
from xmodal_ros.executors import is_lost_worker, LocalExecutor, OpenExecutor
from xmodal_ros.files import Workplace
from xmodal_ros.simulator.recording import (
    ImageFormat,
    PARAMETERS_KEY,
    RecordingPlan,
    write_recording,
)
from xmodal_ros.simulator.script import draw_performance

MOST_SUBJECTS: Final = 1000
_POLL_S: Final = 0.1
# A recording that is to be left stops at its next message.
_GRACE_S: Final = 60.0
_STEP: Final = 0.01

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
    starting: Callable[[int], None] = lambda _processes: None,
    open_executor: OpenExecutor | None = None,
) -> tuple[SimulatedBag, ...]:
    """Write the planned recordings into the folder ``out``, one bag each, named by subject.

    Bags that are there and were made alike are kept. ``jobs`` processes of this machine share the
    rest, or an executor that writes into the same folder; the content does not depend on it.
    ``progress`` hears of each subject's share done, 0 to 1, and ``starting`` how many processes of
    this machine are started, if any are.
    After an exception or Ctrl-C the bags that were finished stay, unfinished ones do not.

    Raises :class:`BagError` when something else is in a bag's place, unless ``force`` is given
    and it is a bag, and when a bag cannot be written.
    """
    missing = [plan for plan in plans if not _is_there(out / plan.subject, plan, force=force)]
    for plan in plans:
        if plan not in missing:
            progress(plan.subject, 1.0)
    processes = min(jobs, len(missing))
    if open_executor is not None:
        _write_elsewhere(out, missing, open_executor, progress)
    elif processes > 1:
        starting(processes)
        _write_elsewhere(out, missing, partial(LocalExecutor, processes), progress)
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


def _write_in_process(out: Path, plan: RecordingPlan, shares_folder: Path) -> None:
    """Write a recording, and its share done into a file; stop when the folder of that is gone."""
    # Processes side by side are what fills the cores.
    cv2.setNumThreads(1)
    last = -1.0

    def progress(share: float) -> None:
        nonlocal last
        if not shares_folder.exists():
            raise _StoppedError
        if share - last >= _STEP:
            last = share
            with suppress(OSError):
                (shares_folder / plan.subject).write_text(repr(share))

    _write(out, plan, progress)


def _write_elsewhere(
    out: Path, plans: Sequence[RecordingPlan], open_executor: OpenExecutor, progress: Progress
) -> None:
    try:
        workplace = Workplace(out, 'simulating')
    except OSError as error:
        raise BagError(f'cannot write bags into {str(out)!r}: {error}') from error
    shares_folder = workplace.path
    waiting: set[Future[None]] = set()
    shares = dict.fromkeys((plan.subject for plan in plans), 0.0)
    try:
        with open_executor() as executor:
            try:
                waiting |= {
                    executor.submit(_write_in_process, out, p, shares_folder) for p in plans
                }
                while waiting:
                    ended, waiting = wait(waiting, timeout=_POLL_S)
                    for name, share in shares.items():
                        shares[name] = max(share, _share(shares_folder / name))
                        progress(name, shares[name])
                    for future in ended:
                        future.result()
            finally:
                workplace.close()
                # They leave nothing half-written behind, unless they are ended at it.
                wait([future for future in waiting if not future.cancel()], timeout=_GRACE_S)
    except Exception as error:
        if is_lost_worker(error):
            raise BagError(
                'a simulation process was killed, perhaps for lack of memory: try --jobs 1'
            ) from None
        raise
    finally:
        workplace.close()
    for plan in plans:
        progress(plan.subject, 1.0)


def _share(file: Path) -> float:
    try:
        return float(file.read_text())
    except (OSError, ValueError):
        # Not begun, or just being written.
        return 0.0

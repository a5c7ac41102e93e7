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

"""Cut recordings side by side into the cache, so that memory stays flat however many there are."""

from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import as_completed
from contextlib import closing, contextmanager, ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
import tempfile
from typing import BinaryIO, Final

import cv2

from xmodal_ros.bags.reading import BagReader
from xmodal_ros.configuration.data_options import DataOptions
from xmodal_ros.data.cache import StreamCache
from xmodal_ros.data.cutting import cut_recording, CutSpec
from xmodal_ros.data.recording import (
    cut_into_memory,
    cut_requests,
    label_recording,
    RecordingFacts,
    RecordingWindows,
)
from xmodal_ros.errors import BagError, TrainingError
from xmodal_ros.executors import is_lost_worker, LocalExecutor, OpenExecutor

# Between two looks at whether the work is still wanted.
_MESSAGES_A_LOOK: Final = 64
_BUFFER_BYTES: Final = 1 << 18


@dataclass(frozen=True)
class BrokenRecording:
    """A recording that cannot be read to its end, and why."""

    facts: RecordingFacts
    reason: str


@dataclass(frozen=True)
class _Task:
    """What is to be cut in one pass over a recording, and where each sensor's stream belongs."""

    number: int
    cache: StreamCache
    temporary_folder: Path
    facts: RecordingFacts
    cut_specs: Mapping[str, CutSpec]
    places: Mapping[str, Path]


def build_recordings(
    facts: Sequence[RecordingFacts],
    cut_specs: Mapping[str, CutSpec],
    options: DataOptions,
    advance: Callable[[int, str], None] = lambda _done, _name: None,
    *,
    unlabelled: bool = False,
    open_executor: OpenExecutor | None = None,
) -> list[RecordingWindows | BrokenRecording]:
    """Give the labelled windows of recordings, in their order; ``unlabelled`` adds the others.

    What the cache holds is taken from there, the rest is cut, by an executor, and kept; without a
    cache it is cut here, into memory. The executor is by default as many processes of this machine
    as ``options`` say; another has to see the recordings and the cache as this process does.
    ``advance`` hears how many recordings are done, and which one just was. Raises
    :class:`TrainingError` when windows cannot be kept or a process dies. Whatever is raised,
    Ctrl-C among it, leaves nothing half-written.
    """
    if options.cache is None:
        return _in_memory(facts, cut_specs, advance, unlabelled)
    cache = StreamCache(options.cache)
    places = [_places(cache, fact, cut_specs) for fact in facts]
    missing = [[n for n, p in at.items() if cache.read(p) is None] for at in places]
    todo = [number for number, names in enumerate(missing) if names]
    broken: dict[int, str] = {}
    done = len(facts) - len(todo)
    if done:
        advance(done, 'from the cache')
    if todo:
        with cache.temporary_folder() as temporary_folder:
            tasks = [
                _Task(
                    number,
                    cache,
                    temporary_folder,
                    facts[number],
                    {name: cut_specs[name] for name in names},
                    places[number],
                )
                for number in todo
                for names in _shares(missing[number], options.processes > len(todo))
            ]
            left = Counter(task.number for task in tasks)
            with closing(_do_all(tasks, options.processes, open_executor)) as ended:
                for number, reason in ended:
                    if reason:
                        broken[number] = reason
                    left[number] -= 1
                    if not left[number]:
                        done += 1
                        advance(done, facts[number].name)
    return [
        BrokenRecording(fact, broken[number])
        if number in broken
        else _from_cache(cache, fact, cut_specs, places[number], unlabelled)
        for number, fact in enumerate(facts)
    ]


def _shares(names: Sequence[str], side_by_side: bool) -> Sequence[Sequence[str]]:
    """Divide the sensors of a recording into passes over it: one, for it is read but once then.

    Where processes would be idle each sensor gets a pass of its own, ``side_by_side``.
    """
    return [[name] for name in names] if side_by_side else [names]


def _in_memory(
    facts: Sequence[RecordingFacts],
    cut_specs: Mapping[str, CutSpec],
    advance: Callable[[int, str], None],
    unlabelled: bool,
) -> list[RecordingWindows | BrokenRecording]:
    recordings: list[RecordingWindows | BrokenRecording] = []
    for done, fact in enumerate(facts, start=1):
        try:
            recordings.append(cut_into_memory(fact, cut_specs, unlabelled=unlabelled))
        except BagError as error:
            recordings.append(BrokenRecording(fact, str(error)))
        advance(done, fact.name)
    return recordings


def _places(
    cache: StreamCache, facts: RecordingFacts, cut_specs: Mapping[str, CutSpec]
) -> dict[str, Path]:
    try:
        return {
            name: cache.place(facts.files, request, str(facts.clocks.get(name, '')))
            for name, request in cut_requests(facts, cut_specs).items()
        }
    except OSError as error:
        raise BagError(f'bag {str(facts.path)!r} cannot be read: {error}') from error


def _from_cache(
    cache: StreamCache,
    facts: RecordingFacts,
    cut_specs: Mapping[str, CutSpec],
    places: Mapping[str, Path],
    unlabelled: bool,
) -> RecordingWindows:
    found = {}
    for name, place in places.items():
        kept = cache.read(place)
        if kept is None:
            raise TrainingError(
                f'{place} is gone: was the cache cleared while it was being used? Start again'
            )
        found[name] = kept
    return label_recording(facts, cut_specs, found, unlabelled=unlabelled)


def _do_all(
    tasks: Sequence[_Task], processes: int, open_executor: OpenExecutor | None
) -> Generator[tuple[int, str], None, None]:
    """Do tasks, and give each one's number and why its recording is broken, or ''."""
    processes = min(processes, len(tasks))
    if open_executor is None and processes == 1:
        for task in tasks:
            yield task.number, _cut_or_reason(task, lambda: None)
        return
    with (open_executor or partial(LocalExecutor, processes))() as executor:
        futures = {executor.submit(_work, task): task.number for task in tasks}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        except Exception as error:
            if is_lost_worker(error):
                raise TrainingError(
                    f'a process that cut windows ended by itself ({error}): is there enough '
                    'memory? Try fewer --jobs'
                ) from None
            raise
        finally:
            for future in futures:
                future.cancel()


def _work(task: _Task) -> str:
    # Processes side by side are what fills the cores.
    cv2.setNumThreads(1)
    messages = 0

    def check_wanted() -> None:
        nonlocal messages
        messages += 1
        # Whoever asked for it removes the folder when he ends.
        if messages % _MESSAGES_A_LOOK == 0 and not task.temporary_folder.exists():
            raise TrainingError('stopped')

    return _cut_or_reason(task, check_wanted)


def _cut_or_reason(task: _Task, progress: Callable[[], None]) -> str:
    """Cut a recording; give why it is broken, or ''."""
    try:
        _cut(task, progress)
    except BagError as error:
        return str(error)
    except OSError as error:
        raise task.cache.cannot_write(error) from None
    return ''


def _cut(task: _Task, progress: Callable[[], None]) -> None:
    with _folder(task.temporary_folder) as folder:
        with ExitStack() as files, BagReader(task.facts.path) as reader:

            def open_file(name: str, what: str) -> BinaryIO:
                own = folder / str(list(task.cut_specs).index(name))
                own.mkdir()
                return files.enter_context((own / what).open('wb', _BUFFER_BYTES))

            cuts = cut_recording(
                reader, cut_requests(task.facts, task.cut_specs), open_file, progress
            )
        for number, name in enumerate(task.cut_specs):
            task.cache.publish(folder / str(number), cuts[name], task.places[name])


@contextmanager
def _folder(temporary_folder: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=temporary_folder) as name:
        yield Path(name)

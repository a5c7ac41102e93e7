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

"""The windows a group of runs learns from, validates on and is tested on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from xmodal_ros.configuration.recipe import Recipe
from xmodal_ros.data.dataset import DatasetSplit, WindowsDataset
from xmodal_ros.data.recording import RecordingFacts, RecordingWindows
from xmodal_ros.data.split import check_people, check_present, DataSplit, SubjectSplit
from xmodal_ros.data.window_array import choose, join, WindowArray
from xmodal_ros.data.window_split import select_test_windows, split_windows, TestWindows
from xmodal_ros.studies.runs import Group
from xmodal_ros.training.window_statistics import OtherSensor


@dataclass(frozen=True, eq=False)
class GroupData:
    """All windows of a group; ``sets`` are by sensor, ``labels`` those that the target learns.

    ``beside`` is what the sources gave in the test, where rows look at all sensors.
    ``people`` names whom a recording shows, by its number.
    """

    labels: tuple[str, ...]
    sets: Mapping[str, DatasetSplit]
    test: TestWindows
    beside: Mapping[str, OtherSensor] = field(default_factory=dict)
    people: tuple[str, ...] = ()


def prepare_group(
    recordings: Sequence[RecordingWindows], recipes: Mapping[str, Recipe], group: Group
) -> GroupData:
    """Divide the windows of recordings as a group wants, and hold them in memory.

    They are tested on at the hop of a robot. Raises :class:`TrainingError` when a part is left
    without windows, and for subjects as :func:`check_split`.
    """
    split = group.split
    check_split(split, [recording.facts for recording in recordings])
    names = (group.target, *group.sources)
    lengths_ns = {name: recipes[name].window.length_ns for name in names}
    divided = split_windows(recordings, group.target, group.sources, lengths_ns, split)
    test = select_test_windows(
        recordings, group.target, recipes[group.target].window.hop_ns, divided.parts
    )
    # Runs are many and read them again and again; frames that are remembered are read once.
    sets = {
        name: examples
        if recipes[name].encoder.remembers_frames
        else replace(
            examples,
            training=_gathered(examples.training),
            validation=_gathered(examples.validation),
        )
        for name, examples in divided.sets.items()
    }
    if not recipes[group.target].encoder.remembers_frames:
        test = replace(test, values=np.asarray(test.values))
    beside = {}
    if any(row.all_sensors for row in group.rows):
        beside = {name: _beside(recordings, name, test) for name in group.sources}
    return GroupData(
        divided.labels,
        sets,
        test,
        beside,
        tuple(recording.facts.subject for recording in recordings),
    )


def _beside(recordings: Sequence[RecordingWindows], sensor: str, test: TestWindows) -> OtherSensor:
    """Give the windows of another sensor that end when those to be tested on do."""
    row_of = np.full(len(test.clips), -1, dtype=np.int64)
    parts: list[WindowArray] = []
    numbers = np.array([number for number, _ in test.clips])
    for number in dict.fromkeys(numbers.tolist()):
        if sensor not in recordings[number].windows:
            continue
        theirs = recordings[number].windows[sensor]
        mine = np.flatnonzero(numbers == number)
        _, ours, rows = np.intersect1d(
            test.ends_ns[mine], np.asarray(theirs.ends_ns), return_indices=True
        )
        row_of[mine[ours]] = sum(map(len, parts)) + np.arange(len(ours))
        parts.append(choose(theirs.values, rows))
    if not parts:
        # Of those who are tested nobody has it: a window of somebody else says how large one is.
        there = next(r.windows[sensor] for r in recordings if sensor in r.windows)
        parts = [choose(there.values, np.array([0]))]
    return OtherSensor(np.asarray(join(parts)), row_of)


def check_split(split: DataSplit, recordings: Sequence[RecordingFacts]) -> None:
    """Refuse subjects whom no recording shows, and one who seems to be in two parts.

    Raises :class:`TrainingError`.
    """
    present = [facts.subject for facts in recordings]
    check_present(split.people.subjects, present, 'the splits of the study')
    if isinstance(split.people, SubjectSplit):
        check_people(present, split.people)


def _gathered(examples: WindowsDataset) -> WindowsDataset:
    return replace(examples, values=np.asarray(examples.values))

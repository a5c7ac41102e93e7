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

"""Look at a data set before anything is learnt from it."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from xmodal_ros.bags.clocks import clock_file, ClockCorrection, write_clocks
from xmodal_ros.bags.opening import find_recordings, storage_paths
from xmodal_ros.bags.reading import BagReader
from xmodal_ros.configuration.data_options import DataOptions
from xmodal_ros.configuration.fit_settings import RecipeChoices
from xmodal_ros.data.build import BrokenRecording, build_recordings
from xmodal_ros.data.clock_report import CorrectBy
from xmodal_ros.data.cutting import CutSpec
from xmodal_ros.data.recording import RecordingFacts
from xmodal_ros.data.report import DataReport, report_data
from xmodal_ros.data.scan import scan
from xmodal_ros.data.sensor_recipe import sensor_recipe
from xmodal_ros.errors import BagError, StreamError, TrainingError
from xmodal_ros.executors import OpenExecutor
from xmodal_ros.progress import ProgressReporter


@dataclass(frozen=True)
class Survey:
    """What a data set holds, and by recording how to correct the clocks of its sensors."""

    report: DataReport
    corrections: Mapping[Path, Mapping[str, ClockCorrection]]


def survey(
    paths: Sequence[Path],
    sensors: Sequence[str],
    choices: RecipeChoices,
    options: DataOptions,
    reporter: ProgressReporter,
    correct_by: CorrectBy = 'receipt',
    open_executor: OpenExecutor | None = None,
) -> Survey:
    """Cut the windows of ``sensors``, of all there are without any, as training would.

    What is cut is kept for training where ``options`` name a cache, and is cut as
    :func:`~xmodal_ros.data.build.build_recordings` says. Raises what training raises
    for recordings that cannot be used, but unlabelled ones are looked at all the same.
    """
    names = tuple(sensors) or _all_sensors(paths)
    scanned = scan(paths, lambda _subject: names, options, reporter, need_labels=False)
    cut_specs: dict[str, CutSpec] = {}
    unreadable: dict[str, str] = {}
    for name in names:
        try:
            recipe = sensor_recipe(scanned.usable, name, choices)
        except StreamError as error:
            if options.strict or len(names) == 1:
                raise
            unreadable[name] = f"sensor '{name}' cannot be used: {error}"
        else:
            if recipe is not None:
                cut_specs[name] = recipe.stream, recipe.training_window
    scanned = replace(
        scanned, usable=tuple(_without(facts, unreadable) for facts in scanned.usable)
    )
    if not cut_specs:
        raise BagError(next(iter(scanned.usable[0].missing.values()), 'no sensor is named'))
    reporter.begin('cutting windows', len(scanned.usable))
    read = build_recordings(
        scanned.usable, cut_specs, options, reporter.advance, open_executor=open_executor
    )
    for each in read if options.strict else ():
        if isinstance(each, BrokenRecording):
            raise BagError(each.reason)
        for problem in each.unusable.values():
            raise TrainingError(problem)
    return Survey(*report_data(scanned, read, cut_specs, correct_by=correct_by))


def _without(facts: RecordingFacts, unreadable: Mapping[str, str]) -> RecordingFacts:
    """Take away sensors whose messages nobody can read, wherever they are, with the reason."""
    lost = {name: why for name, why in unreadable.items() if name in facts.sensors}
    left = {name: each for name, each in facts.sensors.items() if name not in lost}
    return replace(facts, sensors=left, missing={**facts.missing, **lost})


def correct_clocks(found: Survey) -> tuple[tuple[Path, ...], dict[Path, Path]]:
    """Write ``clocks.yaml`` for each recording that needs one and has none.

    Gives the files written, and by recording those that are there already: what was found comes on
    top of what these correct.
    """
    homes = {path: _home(path) for path in found.corrections}
    kept = {path: clock_file(home) for path, home in homes.items() if clock_file(home).exists()}
    written = tuple(
        write_clocks(homes[path], corrections)
        for path, corrections in found.corrections.items()
        if path not in kept
    )
    return written, kept


def _home(path: Path) -> Path:
    """Give the folder of a bag of which a file was named, as its reader sees it."""
    paths = storage_paths(path)
    return paths[0] if len(paths) == 1 else path


def _all_sensors(paths: Sequence[Path]) -> tuple[str, ...]:
    names: dict[str, None] = {}
    for path in find_recordings(paths):
        # What is wrong with it is told when its turn comes.
        with suppress(BagError), BagReader(path) as reader:
            recorded = [s for s in reader.sensors if s.topic in reader.topics]
            names |= {s.name: None for s in recorded if reader.topics[s.topic].count}
    return tuple(names)

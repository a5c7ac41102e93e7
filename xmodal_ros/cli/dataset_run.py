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

"""What ``xmodal dataset`` does, apart from its options."""

from dataclasses import dataclass
from pathlib import Path
import sys
from typing import cast, Final, get_args

from rich.console import Console
from rich.markup import escape

from xmodal_ros.cli.dataset_page import describe_cache, render_clocks, render_report
from xmodal_ros.cli.progress import Lines, ProgressBars
from xmodal_ros.cli.result import write_result
from xmodal_ros.cli.usage import reading_options
from xmodal_ros.configuration.data_options import DataOptions, default_cache
from xmodal_ros.configuration.fit_settings import RecipeChoices
from xmodal_ros.configuration.training import make_choices
from xmodal_ros.data.cache import StreamCache
from xmodal_ros.data.clock_report import CorrectBy
from xmodal_ros.data.survey import correct_clocks, Survey, survey
from xmodal_ros.errors import UsageError
from xmodal_ros.executors import ExecutorSettings, parse_options
from xmodal_ros.files import check_writable

_WIDTH_OF_A_FILE = 200
_LINES: Final = Lines(stage='{stage}: {total}', step='  {done}: {detail}')


@dataclass(frozen=True)
class DatasetSettings:
    """The options of ``xmodal dataset``."""

    bags: tuple[Path, ...]
    sensors: tuple[str, ...] = ()
    window_s: float | None = None
    hop_s: float | None = None
    channels: str = 'auto'
    align: str = 'receipt'
    write_clocks: bool = False
    cache: Path | None = None
    no_cache: bool = False
    clear_cache: bool = False
    jobs: int | None = None
    cluster: str = ''
    cluster_options: tuple[str, ...] = ()
    strict: bool = False
    merge_labels: bool = False
    json: Path | None = None

    def check(self) -> None:
        """Raise :class:`ConfigurationError` for options that mean nothing."""
        self.choices()
        if self.align not in get_args(CorrectBy):
            raise UsageError(f'--align {self.align!r} is none of {", ".join(get_args(CorrectBy))}')
        if self.no_cache and (self.cache is not None or self.clear_cache):
            raise UsageError('--no-cache and another option for a cache exclude each other')
        if self.no_cache and self.cluster:
            raise UsageError(
                '--no-cache and --cluster exclude each other: a cluster keeps what it cuts'
            )
        check_writable(self.json)

    def choices(self) -> RecipeChoices:
        """Give what was chosen about the windows; raises :class:`ConfigurationError`."""
        given = {'window': self.window_s, 'hop': self.hop_s, 'channels': self.channels}
        with reading_options():
            return make_choices({key: value for key, value in given.items() if value is not None})


def run(settings: DatasetSettings) -> Survey | None:
    """Look at the recordings and print what was found; None where only the cache was asked for."""
    settings.check()
    console = Console(width=None if sys.stdout.isatty() else _WIDTH_OF_A_FILE)
    cache = StreamCache(settings.cache or default_cache())
    if settings.clear_cache:
        size = cache.size_bytes()
        count = cache.clear()
        console.print(
            f'removed {count} streams, {size / 1e6:.1f} MB, from {escape(str(cache.folder))}',
            soft_wrap=True,
        )
        return None
    if not settings.bags:
        console.print(escape(describe_cache(cache)), soft_wrap=True)
        return None
    options = DataOptions(
        None if settings.no_cache else cache.folder,
        settings.jobs,
        settings.strict,
        settings.merge_labels,
    )
    executors = ExecutorSettings(
        options.processes,
        settings.cluster,
        parse_options(settings.cluster_options),
        cache.folder / 'slurm',
    )
    with ProgressBars(Console(stderr=True), _LINES) as bars:
        found = survey(
            settings.bags,
            settings.sensors,
            settings.choices(),
            options,
            bars,
            cast('CorrectBy', settings.align),
            executors.open if settings.cluster else None,
        )
    console.print(render_report(found.report))
    clocks = render_clocks(found.report)
    if clocks is not None:
        console.print(clocks)
    if settings.write_clocks:
        written, kept = correct_clocks(found)
        for file in written:
            console.print(f'wrote {escape(str(file))}', soft_wrap=True)
        for path, file in kept.items():
            more = ', '.join(
                f'{each.offset_s:+.3f} s and {each.drift_ppm:+.1f} ppm to {name}'
                for name, each in found.corrections[path].items()
            )
            console.print(
                f'{escape(str(file))} is there already, and kept: add by hand {escape(more)}',
                soft_wrap=True,
            )
        if not found.corrections:
            console.print(
                'no clocks.yaml is written: nothing was found to correct', soft_wrap=True
            )
    elif found.corrections:
        console.print(
            f'recordings that --write-clocks would correct: {len(found.corrections)}',
            soft_wrap=True,
        )
    if not settings.no_cache:
        console.print(escape(describe_cache(cache)), soft_wrap=True)
    write_result(settings.json, _as_json(found))
    return found


def _as_json(found: Survey) -> dict[str, object]:
    corrections = {
        str(path): {name: each.model_dump(mode='json') for name, each in by_sensor.items()}
        for path, by_sensor in found.corrections.items()
    }
    return {'recordings': found.report.document(), 'clock_corrections': corrections}

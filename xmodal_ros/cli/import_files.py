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

"""The command ``xmodal import files``: one's own recording becomes a bag."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
import re
import shlex
from typing import Annotated, Final, TYPE_CHECKING

from rich.console import Console
import typer

from xmodal_ros import registry
from xmodal_ros.cli.import_run import print_line
from xmodal_ros.cli.result import write_result
from xmodal_ros.cli.usage import reading_options
from xmodal_ros.errors import UsageError
from xmodal_ros.files import check_folder
from xmodal_ros.modalities.imu.table import AccelerationUnit, ImuColumns, RateUnit
from xmodal_ros.modalities.table import iso_ns, TimeUnit
from xmodal_ros.paths import is_there

if TYPE_CHECKING:
    from xmodal_ros.bags.importers.own_files import OwnImu

_NAME: Final = re.compile('[a-z][a-z0-9]*(_[a-z0-9]+)*')


def import_files(
    bag: Annotated[Path, typer.Argument(metavar='BAG', help='The bag to write, a new folder.')],
    subject: Annotated[
        str, typer.Option(metavar='NAME', help='Who was recorded; splits go by this name.')
    ],
    imu: Annotated[
        list[str] | None,
        typer.Option(
            metavar='[NAME=]CSV',
            help='Samples, a row each, with a header line. Of several: --imu wrist=left.csv '
            '--imu thigh=right.csv, which become imu_wrist and imu_thigh.',
        ),
    ] = None,
    video: Annotated[
        list[Path] | None, typer.Option(metavar='FILE', help='Any video that OpenCV reads.')
    ] = None,
    audio: Annotated[
        list[Path] | None,
        typer.Option(metavar='FILE', help='WAV, or anything soundfile reads if it is installed.'),
    ] = None,
    file: Annotated[
        list[str] | None,
        typer.Option(
            metavar='MODALITY=FILE', help='A file of another modality; its package says which.'
        ),
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(metavar='CSV', help='Labels: a table with the columns start,end,label.'),
    ] = None,
    label_column: Annotated[
        str,
        typer.Option(
            metavar='COLUMN',
            help='Or labels in the table of --imu, the first if there are several: this column '
            'says of each sample what was done; empty cells are not labelled.',
        ),
    ] = '',
    no_activity: Annotated[
        list[str] | None,
        typer.Option(
            metavar='LABEL',
            help='With --label-column: a label that stands for no activity. Of several: '
            '--no-activity 0 --no-activity null.',
        ),
    ] = None,
    time: Annotated[str, typer.Option(metavar='COLUMN', help="The table's column of time.")] = (
        'time'
    ),
    time_unit: Annotated[TimeUnit, typer.Option(help='iso: dates as 2025-01-31T12:00:00.5Z.')] = (
        's'
    ),
    acc: Annotated[
        list[str] | None,
        typer.Option(
            metavar='[NAME=]X,Y,Z',
            help='The columns of acceleration, of all tables or of one: --acc ax,ay,az '
            '--acc thigh=tx,ty,tz.',
            show_default='ax,ay,az',
        ),
    ] = None,
    acc_unit: Annotated[AccelerationUnit, typer.Option(help='Its unit.')] = 'm/s2',
    gyro: Annotated[
        list[str] | None,
        typer.Option(
            metavar='[NAME=]X,Y,Z',
            help='The columns of angular rate, or none.',
            show_default='gx,gy,gz',
        ),
    ] = None,
    gyro_file: Annotated[
        list[str] | None,
        typer.Option(
            metavar='[NAME=]CSV',
            help='The table of --gyro where that is not in the one of --imu, as phones write it, '
            'with the same column of time; taken at the times of the acceleration.',
        ),
    ] = None,
    gyro_unit: Annotated[RateUnit, typer.Option(help='Its unit.')] = 'rad/s',
    no_gravity: Annotated[
        bool,
        typer.Option(
            '--no-gravity',
            help='The acceleration is without gravity, by which its unit is checked otherwise.',
        ),
    ] = False,
    start: Annotated[
        str | None,
        typer.Option(
            metavar='TIME',
            help='When the recording starts, ISO 8601. Default: the first time of the table if '
            'it is dated, else 2000-01-01.',
        ),
    ] = None,
    imu_offset: Annotated[
        list[str] | None,
        typer.Option(
            metavar='[NAME=]S', help='So many seconds later the table starts.', show_default='0'
        ),
    ] = None,
    video_offset: Annotated[
        float, typer.Option(metavar='S', help='So many seconds later the video starts.')
    ] = 0.0,
    audio_offset: Annotated[
        float, typer.Option(metavar='S', help='So many seconds later the sound starts.')
    ] = 0.0,
    video_height: Annotated[
        int | None, typer.Option(min=8, metavar='PIXELS', help='Make higher pictures smaller.')
    ] = None,
    video_fps: Annotated[
        float | None,
        typer.Option(
            min=0.1,
            max=1000,
            metavar='HZ',
            help='Pictures a second, for a video that does not hold their times.',
        ),
    ] = None,
    force: Annotated[bool, typer.Option('--force', help='Replace a bag that is there.')] = False,
    json: Annotated[
        Path | None, typer.Option('--json', metavar='FILE', help='Write the result here too.')
    ] = None,
) -> None:
    """Import a recording of your own: tables of IMU samples, a video, a sound file, labels.

    Each is optional. The sensors are called imu, camera and microphone.

    Example: xmodal import files ada_1 --subject ada --imu imu.csv --time t
    --time-unit ms --acc accX,accY,accZ --acc-unit g --gyro none --video
    film.mp4 --video-offset 0.4 --labels labels.csv
    """
    # OpenCV is loaded for this command alone.
    from xmodal_ros.bags.importers.own_files import import_own_files, OwnFiles

    if not is_there(bag):
        check_folder(bag, 'BAG')
    console = Console(stderr=True)
    usual = ImuColumns(
        time,
        time_unit=time_unit,
        acceleration_unit=acc_unit,
        rate_unit=gyro_unit,
        gravity=not no_gravity,
    )
    files = OwnFiles(
        _imus(
            usual,
            imu or (),
            label_column.strip(),
            {'--acc': acc, '--gyro': gyro, '--gyro-file': gyro_file, '--imu-offset': imu_offset},
        ),
        _only('--video', video),
        _only('--audio', audio),
        labels,
        tuple(no_activity or ()),
        _start_ns(start),
        video_offset,
        audio_offset,
        video_height,
        video_fps,
        dict(map(_by_modality, file or ())),
    )
    if not subject.strip():
        raise UsageError('--subject is empty: name who was recorded')
    with console.status('importing'):
        made = import_own_files(files, bag, subject.strip(), force=force)
    counts = ', '.join(f'{count} messages of {name}' for name, count in made.messages.items())
    print_line(console, f'{made.path}: {made.duration_s:.1f} s of {subject.strip()}: {counts}')
    for note in made.notes:
        print_line(console, note)
    if made.repeated:
        print_line(
            console,
            f'{made.repeated} samples have the time of the one before: they are in the bag, but '
            'only the first of each time is learnt from',
        )
    activities = Counter(segment.label for segment in made.segments)
    listed = ', '.join(f'{label} ({count})' for label, count in sorted(activities.items()))
    print_line(
        console,
        f'{len(made.segments)} labelled segments: {listed}'
        if made.segments
        else f'no labels: mark them with `xmodal label {shlex.quote(str(made.path))}`, or put a '
        'labels.csv into the folder of the bag, before training',
    )
    write_result(
        json,
        {
            'path': str(made.path),
            'subject': subject.strip(),
            'duration_s': made.duration_s,
            'messages': made.messages,
            'segments': len(made.segments),
            'activities': dict(sorted(activities.items())),
            'repeated': made.repeated,
            'notes': list(made.notes),
        },
    )


def _imus(
    usual: ImuColumns,
    given: Sequence[str],
    label_column: str,
    options: Mapping[str, Sequence[str] | None],
) -> 'tuple[OwnImu, ...]':
    """Give the tables of IMUs, each with what ``options`` say of it alone or else of all."""
    from xmodal_ros.bags.importers.own_files import OwnImu

    paths = dict(map(_named_table, given))
    if len(paths) < len(given) or (len(paths) > 1 and '' in paths):
        raise UsageError(
            f'--imu is given {len(given)} times: name each, and differently, as in --imu '
            'wrist=left.csv --imu thigh=right.csv'
        )
    if not paths and label_column:
        raise UsageError('--label-column names a column of the table: give the table by --imu')
    if not paths and options['--gyro-file']:
        raise UsageError(
            '--gyro-file adds angular rates to the table of accelerations: give that by --imu'
        )
    said = {option: _by_imu(option, own or (), list(paths)) for option, own in options.items()}
    imus: list[OwnImu] = []
    for name, path in paths.items():
        acc, gyro, gyro_file, offset = (own.get(name, own.get('')) for own in said.values())
        columns = replace(
            usual,
            acceleration=usual.acceleration if acc is None else _three('--acc', acc),
            rate=usual.rate if gyro is None else _three_or_none('--gyro', gyro),
            label='' if imus else label_column,
            rate_file=None if gyro_file is None else Path(gyro_file),
        )
        imus.append(OwnImu(path, columns, _seconds(offset or '0'), name))
    return tuple(imus)


def _named_table(text: str) -> tuple[str, Path]:
    """Part [NAME=]CSV; a file may have a sign of equality in its name."""
    name, equals, path = text.partition('=')
    if not equals or Path(text).exists():
        return '', Path(text)
    name = name.strip().removeprefix('imu_')
    if not _NAME.fullmatch(name) or not path:
        raise UsageError(
            f'--imu {text!r} is not of the form NAME=CSV: a name has small letters, digits and _'
        )
    return name, Path(path)


def _by_imu(option: str, given: Sequence[str], names: Sequence[str]) -> dict[str, str]:
    """Part [NAME=]VALUE; '' is the name of what is said of all tables."""
    found: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition('=')
        if not equals or names == ['']:
            name, value = '', text
        name = name.strip().removeprefix('imu_')
        if name and name not in names:
            known = ', '.join(names)
            raise UsageError(f'{option} {text!r}: no --imu is named {name!r}, only {known}')
        if name in found:
            raise UsageError(f'{option} is given twice{name and f" for {name}"}: choose one')
        found[name] = value
    return found


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise UsageError(f'--imu-offset {text!r} is no number of seconds to use') from None


def _only(option: str, files: Sequence[Path] | None) -> Path | None:
    if files and len(files) > 1:
        raise UsageError(
            f'{option} is given {len(files)} times, but a recording takes one: those of several '
            'sensors of a kind become a bag as "Your own data" in docs/recordings.md shows'
        )
    return files[0] if files else None


def _three(option: str, text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(','))
    if len(set(names)) != 3 or len(names) != 3 or not all(names):
        raise UsageError(f'{option} {text!r} names no three columns: write x,y,z')
    return names


def _three_or_none(option: str, text: str) -> tuple[str, ...]:
    return () if text.strip() == 'none' else _three(option, text)


def _by_modality(text: str) -> tuple[str, Path]:
    modality, equals, path = text.partition('=')
    if not modality or not equals or not path:
        raise UsageError(f'--file {text!r} is not of the form MODALITY=FILE')
    with reading_options():
        registry.check(registry.MODALITIES, modality)
    return modality, Path(path)


def _start_ns(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return iso_ns(text)
    except ValueError:
        raise UsageError(
            f'--start {text!r} is no time: write 2025-01-31T12:00:00 or 2025-01-31T12:00:00.5Z'
        ) from None

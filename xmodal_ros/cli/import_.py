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

"""The commands ``xmodal import ...``: published data sets, and files of one's own, become bags."""

from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from xmodal_ros.bags.importers import digits as digits_importer
from xmodal_ros.bags.importers import esc10 as esc10_importer
from xmodal_ros.bags.importers import hugadb as hugadb_importer
from xmodal_ros.bags.importers import kitchen20 as kitchen20_importer
from xmodal_ros.bags.importers import sp_sw_har as sp_sw_har_importer
from xmodal_ros.bags.importers import umafall as umafall_importer
from xmodal_ros.bags.importers import utd_mhad as utd_mhad_importer
from xmodal_ros.bags.importers.hugadb import Gyroscopes
from xmodal_ros.bags.importers.kitchen20 import Sources
from xmodal_ros.bags.importers.sp_sw_har import Clocks
from xmodal_ros.bags.importers.utd_mhad import DEPTH_EVERY
from xmodal_ros.cli.import_files import import_files
from xmodal_ros.cli.import_run import import_all, parse_numbers, parse_words
from xmodal_ros.cli.variadic import VariadicCommand
from xmodal_ros.files import check_folder

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
)


def _checked(context: typer.Context, out: Path) -> Path:
    """Refuse a folder that cannot be, before anything is read."""
    if not context.resilient_parsing:
        check_folder(out, 'OUT')
    return out


def _out(unit: str) -> Any:
    return typer.Argument(
        metavar='OUT', help=f'Folder for the bags, one a {unit}.', callback=_checked
    )


Out = Annotated[Path, _out('subject')]
Force = Annotated[bool, typer.Option('--force', help='Replace bags that are there already.')]
Json = Annotated[
    Path | None, typer.Option('--json', metavar='FILE', help='Write the result here too.')
]


@app.callback()
def import_() -> None:
    """Turn data sets, or your own files, into bags; docs/importing.md explains each."""


@app.command('utd-mhad', cls=VariadicCommand)
def utd_mhad(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar='FOLDER', help='Holds the original .mat files, or archives (.npz).'
        ),
    ],
    out: Out,
    subjects: Annotated[
        list[str] | None,
        typer.Option(metavar='N...', help='Only these subjects: 1 3 or 1,3; without, all 8.'),
    ] = None,
    depth_every: Annotated[
        int,
        typer.Option(min=1, max=40, help='Take every Nth row and column of .mat depth pictures.'),
    ] = DEPTH_EVERY,
    force: Force = False,
    json: Json = None,
) -> None:
    """Import UTD-MHAD: 27 actions of 8 people, with IMU, depth video, skeleton and labels.

    FOLDER holds Inertial, Skeleton and Depth as published
    (a1_s1_t1_inertial.mat and so on). Writes OUT/utd_mhad_s1 to OUT/utd_mhad_s8
    for the subjects 1 to 8. The sensors are called imu (50 Hz), camera (16UC1
    depth in mm) and skeleton (20 joints in m).
    There are no time stamps: all are spread over the clip. Bags that are there
    already and complete are kept.

    Example: xmodal import utd-mhad data/utd_mhad recordings --subjects 1 3 5
    """
    chosen = parse_numbers('--subjects', subjects)
    clips = utd_mhad_importer.load_clips(folder, depth_every)
    import_all(
        utd_mhad_importer.choose_subjects(clips, chosen),
        lambda subject: utd_mhad_importer.import_subject(clips, subject, out, force=force),
        json,
    )


@app.command('sp-sw-har', cls=VariadicCommand)
def sp_sw_har(
    folder: Annotated[Path, typer.Argument(metavar='FOLDER', help='Holds sp_sw_har.npz.')],
    out: Out,
    subjects: Annotated[
        list[str] | None,
        typer.Option(metavar='N...', help='Only these subjects: 1 3 or 1,3; without, all 23.'),
    ] = None,
    clocks: Annotated[
        Clocks,
        typer.Option(
            help="'own': each device's stamps by its own clock, as recorded; 'phone': the watch's "
            "are moved so that its labels change when the phone's do."
        ),
    ] = 'own',
    force: Force = False,
    json: Json = None,
) -> None:
    """Import SP-SW-HAR: 5 activities of 23 people, with the IMUs of a phone and of a watch.

    Writes OUT/sp_sw_har_s01 and so on. The sensors are called imu_phone and
    imu_watch (about 100 Hz). The labels are the phone's. Bags that are there
    already and complete are kept.

    Example: xmodal import sp-sw-har data/sp_sw_har recordings --clocks phone
    """
    chosen = parse_numbers('--subjects', subjects)
    executions = sp_sw_har_importer.load_executions(folder)
    import_all(
        sp_sw_har_importer.choose_subjects(executions, chosen),
        lambda subject: sp_sw_har_importer.import_subject(
            executions, subject, out, clocks, force=force
        ),
        json,
        'segments',
    )


@app.command('hugadb', cls=VariadicCommand)
def hugadb(
    folder: Annotated[Path, typer.Argument(metavar='FOLDER', help='Holds hugadb29.npz.')],
    out: Out,
    subjects: Annotated[
        list[str] | None,
        typer.Option(metavar='N...', help='Only these subjects: 1 3 or 1,3; without, all 18.'),
    ] = None,
    gyroscopes: Annotated[
        Gyroscopes,
        typer.Option(
            help="'sound': where a gyroscope is flagged as amplified and clipped, messages say "
            "that no angular rate was measured; 'recorded': they hold it."
        ),
    ] = 'sound',
    force: Force = False,
    json: Json = None,
) -> None:
    """Import HuGaDB: 10 activities of 18 people, with six IMUs on their legs.

    Writes OUT/hugadb_s01 and so on. The sensors are called imu_right_foot,
    imu_right_shin, imu_right_thigh and the same of the left (29.4 Hz, one clock).
    Two activities that one person alone did, and the EMG, are left out. Bags that
    are there already and complete are kept.

    Example: xmodal import hugadb data/hugadb recordings
    """
    chosen = parse_numbers('--subjects', subjects)
    data = hugadb_importer.load_stretches(folder)
    import_all(
        hugadb_importer.choose_subjects(data, chosen),
        lambda subject: hugadb_importer.import_subject(
            data, subject, out, gyroscopes, force=force
        ),
        json,
        'stretches',
    )


@app.command('umafall', cls=VariadicCommand)
def umafall(
    folder: Annotated[Path, typer.Argument(metavar='FOLDER', help='Holds umafall.npz.')],
    out: Out,
    subjects: Annotated[
        list[str] | None,
        typer.Option(metavar='N...', help='Only these subjects: 1 3 or 1,3; without, all 18.'),
    ] = None,
    force: Force = False,
    json: Json = None,
) -> None:
    """Import UMAFall: 12 daily movements and 3 falls of 18 people, with IMUs in five places.

    Writes OUT/umafall_s01 and so on. The sensors are called imu_pocket (a phone,
    100 Hz, no gyro), imu_chest, imu_waist, imu_wrist and imu_ankle (20 Hz). Some
    are missing in some trials, and most people lack some movements. Bags that are
    there already and complete are kept.

    Example: xmodal import umafall data/umafall recordings
    """
    chosen = parse_numbers('--subjects', subjects)
    trials = umafall_importer.load_trials(folder)
    import_all(
        umafall_importer.choose_subjects(trials, chosen),
        lambda subject: umafall_importer.import_subject(trials, subject, out, force=force),
        json,
        'trials',
    )


@app.command('esc10', cls=VariadicCommand)
def esc10(
    folder: Annotated[
        Path, typer.Argument(metavar='FOLDER', help="Holds ESC-10's .ogg files, at any depth.")
    ],
    out: Annotated[Path, _out('fold')],
    folds: Annotated[
        list[str] | None,
        typer.Option(metavar='N...', help='Only these folds: 1 3 or 1,3; without, all.'),
    ] = None,
    force: Force = False,
    json: Json = None,
) -> None:
    """Import ESC-10: sounds of 10 kinds, 5 seconds each.

    Writes OUT/esc10_fold1 and so on. A fold stands for a subject, for it shares
    no original recording with the others. The sensor is called microphone.
    Reading .ogg needs the library soundfile. Bags that are there already and
    complete are kept.

    Example: xmodal import esc10 data/esc10 recordings --folds 1 2
    """
    chosen = parse_numbers('--folds', folds)
    clips = esc10_importer.find_clips(folder)
    import_all(
        esc10_importer.choose_folds(clips, chosen),
        lambda fold: esc10_importer.import_fold(clips, fold, out, force=force),
        json,
    )


@app.command('kitchen20', cls=VariadicCommand)
def kitchen20(
    folder: Annotated[Path, typer.Argument(metavar='FOLDER', help='Holds kitchen20_ogg16k.npz.')],
    out: Annotated[Path, _out('fold')],
    folds: Annotated[
        list[str] | None,
        typer.Option(metavar='N...', help='Only these folds: 1 3 or 1,3; without, all 5.'),
    ] = None,
    sources: Annotated[
        Sources,
        typer.Option(
            help="'apart': all clips of one source go to the fold that holds most of them; "
            "'official': folds as published, which share sources."
        ),
    ] = 'apart',
    force: Force = False,
    json: Json = None,
) -> None:
    """Import Kitchen20: sounds of 20 kitchen activities, 5 seconds each.

    Writes OUT/kitchen20_fold1 and so on. A fold stands for a subject. The sensor
    is called microphone. Reading .ogg needs the library soundfile. Bags that are
    there already and complete are kept.

    Example: xmodal import kitchen20 data/kitchen20 recordings
    """
    chosen = parse_numbers('--folds', folds)
    clips = kitchen20_importer.load_clips(folder, sources)
    import_all(
        kitchen20_importer.choose_folds(clips, chosen),
        lambda fold: kitchen20_importer.import_fold(clips, fold, out, sources, force=force),
        json,
    )


@app.command('digits', cls=VariadicCommand)
def digits(
    folder: Annotated[
        Path,
        typer.Argument(metavar='FOLDER', help='Holds fsdd_8k_int16.npz and mnist_t10k.npz.'),
    ],
    out: Annotated[Path, _out('speaker')],
    speakers: Annotated[
        list[str] | None,
        typer.Option(metavar='NAME...', help='Only these speakers; without, all 4.'),
    ] = None,
    most: Annotated[
        int | None,
        typer.Option(min=1, help='So many of each digit at most, spoken and written.'),
    ] = None,
    force: Force = False,
    json: Json = None,
) -> None:
    """Import spoken digits (FSDD) and written ones (MNIST), which pair by label only.

    Writes OUT/digits_george and so on: what a speaker said, and after it as
    many written digits. Nobody wrote while speaking: nothing overlaps in time,
    and which written digits a speaker gets is drawn. The sensors are called
    microphone (8 kHz) and camera (28x28). Bags that are there already and
    complete are kept.

    Example: xmodal import digits data/av_digits recordings --speakers george
    """
    dealt = digits_importer.load_digits(folder, most)
    import_all(
        digits_importer.choose_speakers(dealt, parse_words(speakers)),
        partial(digits_importer.import_speaker, out=out, force=force),
        json,
        'digits',
    )


app.command('files')(import_files)

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

"""Turn ESC-10, sounds of ten kinds, into one bag a fold.

Piczak, "ESC: Dataset for Environmental Sound Classification", ACM Multimedia 2015. Clips of one
original recording are in one fold only, so a fold stands where data of people have a subject.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
import re
from typing import Final

from xmodal_ros.bags.importers.bag_making import (
    BagPlan,
    chosen,
    DAY_NS,
    ImportedBag,
    make_bag,
    schedule,
    SECOND_NS,
)
from xmodal_ros.bags.importers.sound_clips import LENGTH_NS, MICROPHONE, sound_parts
from xmodal_ros.errors import BagError
from xmodal_ros.modalities.audio.file import read_sound

# In the order of the numbers that file names start with.
CLASSES: Final = (
    *('dog_bark', 'rain', 'sea_waves', 'baby_cry', 'clock_tick', 'person_sneeze', 'helicopter'),
    *('chainsaw', 'rooster', 'fire_crackling'),
)
# Flat: class, fold, Freesound's number, take. As published: a folder a class, counted from 1.
_FLAT: Final = re.compile(r'(\d)_(\d)-(\d+)-([A-Z])\.(?:ogg|wav)')
_IN_FOLDER: Final = re.compile(r'(\d)-(\d+)-([A-Z])\.(?:ogg|wav)')
_FOLDER: Final = re.compile(r'(\d{3}) - .+')
_EPOCH_NS: Final = 1_421_280_000 * SECOND_NS
_METADATA: Final = {
    'dataset': 'ESC-10',
    'citation': 'K. J. Piczak: ESC: Dataset for Environmental Sound Classification. ACM '
    'Multimedia 2015',
    'subjects': 'folds, not people: clips of one original recording are in one fold',
}


@dataclass(frozen=True)
class SoundClip:
    """A file with one sound of a class."""

    path: Path
    label: str
    fold: int


def find_clips(folder: Path) -> tuple[SoundClip, ...]:
    """Find the clips below ``folder``, by class and name; BagError when there are none."""
    clips = []
    for path in sorted(folder.rglob('*')):
        if match := _FLAT.fullmatch(path.name):
            number, fold = int(match[1]), int(match[2])
        elif (match := _IN_FOLDER.fullmatch(path.name)) and (
            home := _FOLDER.fullmatch(path.parent.name)
        ):
            number, fold = int(home[1]) - 1, int(match[1])
        else:
            continue
        if 0 <= number < len(CLASSES):
            clips.append(SoundClip(path, CLASSES[number], fold))
    if not clips:
        raise BagError(
            f"{str(folder)!r} does not hold ESC-10: expected files such as '001 - Dog "
            "bark/1-100032-A.ogg' or '0_1-100032-A.ogg' (class, fold, number, take) below it"
        )
    return tuple(sorted(clips, key=lambda clip: (clip.fold, clip.label, clip.path.name)))


def choose_folds(clips: Sequence[SoundClip], folds: Collection[int]) -> tuple[int, ...]:
    """Give ``folds`` in order, or all when there are none; BagError for an unknown one."""
    return chosen(folds, (clip.fold for clip in clips), 'ESC-10 has no fold')


def import_fold(
    clips: Sequence[SoundClip], fold: int, out: Path, *, force: bool = False
) -> ImportedBag:
    """Write the clips of one fold to ``out/esc10_fold<fold>``, subject ``fold_<fold>``.

    The first five seconds of each are taken. Raises :class:`BagError` for a file that cannot be
    read, or is at another rate than the first, and when anything else is in the way.
    """
    own = [clip for clip in clips if clip.fold == fold]
    segments = schedule(_EPOCH_NS + fold * DAY_NS, ((LENGTH_NS, clip.label) for clip in own))
    plan = BagPlan(
        path=out / f'esc10_fold{fold}',
        importer='esc10 1',
        subject=f'fold_{fold}',
        sensors=(MICROPHONE,),
        segments=len(own),
        metadata=_METADATA,
    )
    names = [str(clip.path) for clip in own]
    parts = sound_parts(names, lambda number: read_sound(own[number].path), segments)
    return make_bag(plan, parts, force=force)

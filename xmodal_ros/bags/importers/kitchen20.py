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

"""Turn Kitchen20, sounds of 20 kitchen activities, into one bag a fold.

Moreaux, Garcia Ortiz, Ferrane, Lerasle, "Benchmark for Kitchen20, a daily life dataset for
audio-based human action recognition", CBMI 2019. Clips are of people's recordings on Freesound,
and some people's are in several of the official folds.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
import io
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from xmodal_ros.bags.importers.arrays import check_fit, load_arrays
from xmodal_ros.bags.importers.bag_making import (
    BagPlan,
    chosen,
    DAY_NS,
    ImportedBag,
    make_bag,
    schedule,
    SECOND_NS,
)
from xmodal_ros.bags.importers.sound_clips import LENGTH_NS, MICROPHONE, Sound, sound_parts
from xmodal_ros.modalities.audio.file import decode_sound

Sources = Literal['apart', 'official']
FILE: Final = 'kitchen20_ogg16k.npz'
_EPOCH_NS: Final = 1_546_300_800 * SECOND_NS
_METADATA: Final = {
    'dataset': 'Kitchen20',
    'citation': 'M. Moreaux, M. Garcia Ortiz, I. Ferrane, F. Lerasle: Benchmark for Kitchen20, a '
    'daily life dataset for audio-based human action recognition. CBMI 2019',
}


@dataclass(frozen=True, eq=False)
class KitchenClip:
    """A sound of an activity: the bytes of its file, by whom it was recorded, and its fold."""

    name: str
    label: str
    source: str
    fold: int
    sound: NDArray[np.uint8]


def load_clips(folder: Path, sources: Sources = 'apart') -> tuple[KitchenClip, ...]:
    """Read the archive in ``folder``.

    With ``sources`` 'apart' all clips of one source are in the fold that holds most of them, so
    that nobody is trained on and tested; with 'official' folds are as published.
    Raises :class:`BagError` for anything else in the archive's place.
    """
    file = folder / FILE
    arrays = load_arrays(
        file,
        ('ogg', 'offset', 'label', 'label_names', 'fold', 'usr_id', 'path'),
        f'{str(folder)!r} does not hold Kitchen20: expected {FILE} in it',
    )
    _check(file, arrays)
    folds = arrays['fold'].tolist()
    owners = arrays['usr_id'].tolist()
    if sources == 'apart':
        folds = _kept_apart(owners, folds)
    offsets = arrays['offset'].tolist()
    clips = [
        KitchenClip(
            str(arrays['path'][index]),
            str(arrays['label_names'][arrays['label'][index]]),
            owners[index],
            folds[index],
            arrays['ogg'][offsets[index] : offsets[index + 1]],
        )
        for index in range(len(folds))
    ]
    return tuple(sorted(clips, key=lambda clip: (clip.fold, clip.label, clip.name)))


def choose_folds(clips: Sequence[KitchenClip], folds: Collection[int]) -> tuple[int, ...]:
    """Give ``folds`` in order, or all when there are none; BagError for an unknown one."""
    return chosen(folds, (clip.fold for clip in clips), 'Kitchen20 has no fold')


def import_fold(
    clips: Sequence[KitchenClip],
    fold: int,
    out: Path,
    sources: Sources = 'apart',
    *,
    force: bool = False,
) -> ImportedBag:
    """Write the clips of one fold to ``out/kitchen20_fold<fold>``, subject ``fold_<fold>``.

    ``sources`` is how the clips were loaded. Raises :class:`BagError` for a sound that cannot be
    read, and when anything else is in the way.
    """
    own = [clip for clip in clips if clip.fold == fold]
    segments = schedule(_EPOCH_NS + fold * DAY_NS, ((LENGTH_NS, clip.label) for clip in own))
    told = (
        'folds, not people: all clips of one source are in one fold'
        if sources == 'apart'
        else 'official folds, not people: clips of one source may be in several'
    )
    plan = BagPlan(
        path=out / f'kitchen20_fold{fold}',
        importer=f'kitchen20 1, sources {sources}',
        subject=f'fold_{fold}',
        sensors=(MICROPHONE,),
        segments=len(own),
        metadata={**_METADATA, 'subjects': told},
    )
    parts = sound_parts([clip.name for clip in own], lambda n: _decode(own[n]), segments)
    return make_bag(plan, parts, force=force)


def _decode(clip: KitchenClip) -> Sound:
    return decode_sound(io.BytesIO(clip.sound.tobytes()), clip.name)


def _kept_apart(owners: Sequence[str], folds: Sequence[int]) -> list[int]:
    """Give each clip the fold that holds most of its source's, of several the first."""
    counts: dict[str, Counter[int]] = defaultdict(Counter)
    for owner, fold in zip(owners, folds, strict=True):
        counts[owner][fold] += 1
    # Of folds that hold as many the first, for sorting keeps the order.
    home = {
        owner: Counter(dict(sorted(own.items()))).most_common(1)[0][0]
        for owner, own in counts.items()
    }
    return [home[owner] for owner in owners]


def _check(file: Path, arrays: dict[str, NDArray[Any]]) -> None:
    count = len(np.atleast_1d(arrays['label']))
    offsets = arrays['offset']
    fits = (
        count > 0
        and all(arrays[name].shape == (count,) for name in ('label', 'fold', 'usr_id', 'path'))
        and arrays['ogg'].ndim == 1
        and arrays['ogg'].dtype == np.uint8
        and offsets.shape == (count + 1,)
        and int(offsets[0]) == 0
        and int(offsets[-1]) == len(arrays['ogg'])
        and bool((np.diff(offsets) > 0).all())
        and 0 <= int(arrays['label'].min()) <= int(arrays['label'].max())
        and int(arrays['label'].max()) < len(arrays['label_names'])
    )
    check_fit(file, fits=fits)

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

"""Turn spoken and written digits into one bag a speaker, paired by label only.

The sound is the Free Spoken Digit Dataset (Jackson et al.), the pictures are MNIST (LeCun et
al.). Nobody said a digit while writing it, so in a bag they do not overlap in time: first all that
is said, then what is written. Written digits are dealt to speakers at random, and their writers
are unknown.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from xmodal_ros.bags.importers.arrays import load_arrays
from xmodal_ros.bags.importers.bag_making import (
    BagPlan,
    DAY_NS,
    ImportedBag,
    make_bag,
    SECOND_NS,
    SensorData,
)
from xmodal_ros.bags.importers.messages import image_record
from xmodal_ros.bags.segment import Segment
from xmodal_ros.errors import BagError
from xmodal_ros.modalities.audio.file import info_record, sound_records
from xmodal_ros.modalities.file import Record
from xmodal_ros.modalities.sensor import Sensor

SPOKEN_FILE: Final = 'fsdd_8k_int16.npz'
WRITTEN_FILE: Final = 'mnist_t10k.npz'
MICROPHONE: Final = Sensor('microphone', 'audio', '/audio', 'microphone_link')
CAMERA: Final = Sensor('camera', 'camera', '/camera/image_raw', 'camera_link')
LABELS: Final = (
    *('zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine'),
)
# What each digit lasts; longer sounds are cut, shorter ones lie amid silence. A second between.
LENGTH_NS: Final = SECOND_NS
_STEP_NS: Final = 2 * SECOND_NS
_FRAMES: Final = 10
_EPOCH_NS: Final = 1_451_606_400 * SECOND_NS
_SEED: Final = 0
_METADATA: Final = {
    'dataset': 'Free Spoken Digit Dataset and MNIST',
    'citation': 'Z. Jackson et al.: Free Spoken Digit Dataset, 2018; Y. LeCun, C. Cortes, '
    'C. J. C. Burges: The MNIST database of handwritten digits',
    'pairing': 'by label only: spoken and written digits are of different people and times',
}


@dataclass(frozen=True, eq=False)
class Digits:
    """What one speaker said and what was dealt to them; all arrays by digit, then as they come.

    ``sounds`` are (N,) int16 each, ``pictures`` (M, 28, 28) uint8 as the data set has them.
    """

    speaker: str
    number: int
    rate_hz: int
    sounds: tuple[NDArray[np.int16], ...]
    said: NDArray[np.int64]
    pictures: NDArray[np.uint8]
    written: NDArray[np.int64]


def load_digits(folder: Path, most: int | None = None) -> tuple[Digits, ...]:
    """Read both archives in ``folder`` and deal the written digits to the speakers.

    Each gets as many pictures of a digit as they said it, ``most`` at most of either; no picture
    goes to two. Raises :class:`BagError` for archives that are missing or hold something else.
    """
    spoken = _load(
        folder / SPOKEN_FILE, ('audio', 'length', 'digit', 'speaker', 'speakers', 'rate')
    )
    written = _load(folder / WRITTEN_FILE, ('image', 'label'))
    _check(folder, spoken, written)
    sounds = np.split(spoken['audio'], np.cumsum(spoken['length'])[:-1])
    random = np.random.default_rng(_SEED)
    stacks = {
        digit: random.permutation(np.flatnonzero(written['label'] == digit)).tolist()
        for digit in range(len(LABELS))
    }
    dealt = []
    for number, name in enumerate(spoken['speakers'].tolist()):
        said: list[int] = []
        shown: list[int] = []
        for digit, stack in stacks.items():
            own = (spoken['speaker'] == number) & (spoken['digit'] == digit)
            rows = np.flatnonzero(own)[:most].tolist()
            said += rows
            shown += [stack.pop() for _ in rows if stack]
        dealt.append(
            Digits(
                str(name),
                number,
                int(spoken['rate']),
                tuple(sounds[row] for row in said),
                spoken['digit'][said].astype(np.int64),
                written['image'][shown],
                written['label'][shown].astype(np.int64),
            )
        )
    return tuple(dealt)


def choose_speakers(digits: Sequence[Digits], speakers: Collection[str]) -> tuple[Digits, ...]:
    """Give those of the speakers named, or all when none is; BagError for an unknown one."""
    known = [each.speaker for each in digits]
    if unknown := sorted(set(speakers) - set(known)):
        raise BagError(f'there is no speaker {unknown[0]!r}; there are {", ".join(known)}')
    return tuple(each for each in digits if not speakers or each.speaker in speakers)


def import_speaker(digits: Digits, out: Path, *, force: bool = False) -> ImportedBag:
    """Write what belongs to a speaker to ``out/digits_<speaker>``.

    Raises :class:`BagError` when anything else is in the way.
    """
    plan = BagPlan(
        path=out / f'digits_{digits.speaker}',
        importer='digits 2',
        subject=digits.speaker,
        sensors=(MICROPHONE, CAMERA),
        segments=len(digits.said) + len(digits.written),
        metadata=_METADATA,
    )
    return make_bag(plan, _parts(digits), force=force)


def _parts(digits: Digits) -> Iterator[SensorData]:
    # Digits end on even seconds, so that a window of a second every other second holds one whole.
    start_ns = _EPOCH_NS + digits.number * DAY_NS + SECOND_NS
    yield SensorData([], [info_record(MICROPHONE.topic, start_ns, digits.rate_hz, 1)])
    length = digits.rate_hz * LENGTH_NS // SECOND_NS
    for sound, digit in zip(digits.sounds, digits.said.tolist(), strict=True):
        samples = np.zeros((length, 1), np.int16)
        before = max(0, length - len(sound)) // 2
        samples[before : before + len(sound), 0] = sound[:length]
        segment = Segment(start_ns, start_ns + LENGTH_NS, LABELS[digit])
        yield SensorData(
            [segment],
            sound_records(MICROPHONE.topic, MICROPHONE.frame, start_ns, samples, digits.rate_hz),
        )
        start_ns += _STEP_NS
    for picture, digit in zip(digits.pictures, digits.written.tolist(), strict=True):
        segment = Segment(start_ns, start_ns + LENGTH_NS, LABELS[digit])
        yield SensorData([segment], _frames(picture, start_ns))
        start_ns += _STEP_NS


def _frames(picture: NDArray[np.uint8], start_ns: int) -> Iterator[Record]:
    """Show a picture for as long as a digit lasts."""
    for frame in range(_FRAMES):
        yield image_record(CAMERA, start_ns + frame * LENGTH_NS // _FRAMES, picture)


def _load(file: Path, names: Sequence[str]) -> dict[str, NDArray[Any]]:
    return load_arrays(
        file,
        names,
        f'{str(file.parent)!r} does not hold the digits: expected {SPOKEN_FILE} and '
        f'{WRITTEN_FILE} in it, {file.name} is missing',
    )


def _check(
    folder: Path, spoken: dict[str, NDArray[Any]], written: dict[str, NDArray[Any]]
) -> None:
    count = len(np.atleast_1d(spoken['length']))
    fits = (
        spoken['audio'].dtype == np.int16
        and spoken['audio'].ndim == 1
        and all(spoken[n].shape == (count,) for n in ('length', 'digit', 'speaker'))
        and all(spoken[n].dtype.kind in 'iu' for n in ('length', 'digit', 'speaker', 'rate'))
        and count > 0
        and int(spoken['length'].min()) > 0
        and int(spoken['length'].sum()) == len(spoken['audio'])
        and int(spoken['digit'].max()) < len(LABELS)
        and int(spoken['speaker'].max()) < len(spoken['speakers'])
        and written['image'].dtype == np.uint8
        and written['image'].shape == (len(written['label']), 28, 28)
    )
    if not fits:
        raise BagError(
            f'{SPOKEN_FILE} or {WRITTEN_FILE} in {str(folder)!r} hold arrays that do not fit each '
            'other: take them as they were published'
        )

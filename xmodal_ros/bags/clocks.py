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

"""Correct the clocks of sensors: ``clocks.yaml`` beside a recording shifts their stamps.

Whoever reads the recording (training, evaluation, replay) reads corrected stamps.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
import difflib
from fractions import Fraction
import json
from pathlib import Path
import struct
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from xmodal_ros.bags.message_types import has_stamp
from xmodal_ros.bags.opening import file_stem
from xmodal_ros.errors import BagError
from xmodal_ros.files import write_atomic
from xmodal_ros.modalities.sensor import Sensor
from xmodal_ros.paths import as_called

FILE_NAME: Final = 'clocks.yaml'
_SECOND_NS: Final = 1_000_000_000
_STAMP_AT: Final = 4
_LITTLE_ENDIAN: Final = 0x01
_LATEST_S: Final = 1 << 31
# No offset beyond this leaves a stamp that a message can hold; one that counts from when its
# machine was started, rather than from 1970, needs some 1.8e9 s.
MOST_OFFSET_S: Final = float(_LATEST_S)


def _possible(offset_s: float) -> float:
    if abs(offset_s) > MOST_OFFSET_S:
        raise PydanticCustomError(
            'offset_s',
            'an offset of {given} s leaves no stamp that a message can hold; it may be at most '
            '{most} s either way (is it in seconds?)',
            {'given': f'{offset_s:g}', 'most': f'{MOST_OFFSET_S:.0f}'},
        )
    return offset_s


class ClockCorrection(BaseModel):
    """What is added to a sensor's stamps: ``offset_s``, and ``drift_ppm`` µs a second.

    The drift counts from the stamp ``reference_s`` (seconds since 1970, as stamped) on; without
    one, from the start of the recording.
    """

    model_config = ConfigDict(frozen=True, extra='forbid')

    offset_s: Annotated[float, Field(allow_inf_nan=False), AfterValidator(_possible)] = 0.0
    drift_ppm: Annotated[float, Field(ge=-1e5, le=1e5, allow_inf_nan=False)] = 0.0
    reference_s: Annotated[float, Field(ge=0, le=_LATEST_S)] | None = None


@dataclass(frozen=True)
class StampShift:
    """A correction in whole numbers: the same arithmetic on every machine."""

    offset_ns: int
    drift: Fraction
    reference_ns: int

    @classmethod
    def of(cls, correction: ClockCorrection, start_ns: int) -> 'StampShift':
        """Take a correction for a recording that starts at ``start_ns``."""
        reference_s = correction.reference_s
        return cls(
            round(correction.offset_s * _SECOND_NS),
            Fraction(round(correction.drift_ppm * 1e6), 10**12),
            start_ns if reference_s is None else round(reference_s * _SECOND_NS),
        )

    def __str__(self) -> str:
        return f'{self.offset_ns} {self.drift} {self.reference_ns}'

    def shifted(self, stamp_ns: int) -> int:
        """Give the corrected stamp, in nanoseconds."""
        return stamp_ns + self.offset_ns + round(self.drift * (stamp_ns - self.reference_ns))

    def apply(self, data: bytes) -> bytes:
        """Give a CDR message that begins with a stamp, with that corrected.

        A message too short for a stamp, without one, or whose stamp would leave its range stays
        as it is: whoever decodes it says what is wrong.
        """
        if len(data) < _STAMP_AT + 8:
            return data
        layout = struct.Struct('<iI' if data[1] == _LITTLE_ENDIAN else '>iI')
        seconds, nanoseconds = layout.unpack_from(data, _STAMP_AT)
        if nanoseconds >= _SECOND_NS or seconds * _SECOND_NS + nanoseconds <= 0:
            return data
        stamp = divmod(self.shifted(seconds * _SECOND_NS + nanoseconds), _SECOND_NS)
        if not 0 <= stamp[0] < _LATEST_S:
            return data
        return data[:_STAMP_AT] + layout.pack(*stamp) + data[_STAMP_AT + 8 :]


_DOCUMENT: Final = TypeAdapter(dict[str, ClockCorrection])


def clock_file(bag: Path) -> Path:
    """Give where the corrections of the bag at ``bag`` are, or would be.

    That is ``clocks.yaml`` in the bag's folder, or ``<name>.clocks.yaml`` beside a single file;
    beside what a link leads to, if it is there.
    """
    called, real = (
        each / FILE_NAME if bag.is_dir() else each.with_name(f'{file_stem(each)}.{FILE_NAME}')
        for each in (as_called(bag), bag.resolve())
    )
    return real if real.is_file() and not called.is_file() else called


def read_clocks(bag: Path) -> dict[str, ClockCorrection]:
    """Read the corrections of a recording, by sensor or topic; {} where it has none.

    Raises :class:`BagError` with the file and the key for one that cannot be understood.
    """
    file = clock_file(bag)
    if not file.is_file():
        return {}
    try:
        document: Any = YAML(typ='safe').load(file.read_text(encoding='utf-8'))
        return _DOCUMENT.validate_python({} if document is None else document)
    except ValidationError as error:
        problem = error.errors()[0]
        where = '.'.join(map(str, problem['loc'])) or 'the file'
        raise BagError(
            f'{file}: {where}: {problem["msg"]}: write `imu_wrist: {{offset_s: 0.25, drift_ppm: '
            '12}` for each sensor to correct'
        ) from None
    # Of odd texts ruamel's parser raises other exceptions, too.
    except (OSError, YAMLError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise BagError(f'clocks in {str(file)!r} cannot be read: {error}') from error


def read_shifts(
    bag: Path, sensors: Sequence[Sensor], types: Mapping[str, str], start_ns: int
) -> dict[str, StampShift]:
    """Read the corrections of a recording that starts at ``start_ns``, by topic.

    ``types`` are those of its topics. Raises :class:`BagError` for a correction of what is not
    recorded, of what has no stamp, or a second one of the same topic.
    """
    file = clock_file(bag)
    topic_of = {text: s.topic for s in sensors for text in (s.name, s.topic)}
    shifts: dict[str, StampShift] = {}
    for name, correction in read_clocks(bag).items():
        topic = topic_of.get(name, name)
        if topic not in types:
            close = difflib.get_close_matches(name, sorted({*topic_of, *types}), n=1, cutoff=0.3)
            raise BagError(
                f'{file}: {name!r} is no sensor or topic of the recording'
                + (f'; closest is {close[0]!r}' if close else '')
            )
        if topic in shifts:
            raise BagError(f'{file}: topic {topic!r} is corrected twice')
        if not has_stamp(types[topic]):
            raise BagError(
                f'{file}: {name!r} cannot be corrected: {types[topic]} has no stamp, so the time '
                'of recording counts'
            )
        shifts[topic] = StampShift.of(correction, start_ns)
    return shifts


def write_clocks(bag: Path, corrections: Mapping[str, ClockCorrection]) -> Path:
    """Write the corrections of a recording, whole or not at all; give the file.

    Raises ConfigurationError when it cannot be written.
    """
    file = clock_file(bag)
    write_atomic(file, '\n'.join(_lines(corrections)) + '\n')
    return file


def _lines(corrections: Mapping[str, ClockCorrection]) -> Iterator[str]:
    yield '# Added to the stamps of each sensor: seconds, and microseconds a second'
    yield '# from the stamp reference_s on.'
    for name, correction in sorted(corrections.items()):
        reference = correction.reference_s
        yield f'{json.dumps(name)}:'
        yield f'  offset_s: {correction.offset_s:.9f}'
        yield f'  drift_ppm: {correction.drift_ppm:.6f}'
        if reference is not None:
            yield f'  reference_s: {reference:.6f}'

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

"""What data sets of single sounds become: one segment a clip, all of one length and one rate."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from numpy.typing import NDArray

from xmodal_ros.bags.importers.bag_making import SECOND_NS, SensorData
from xmodal_ros.bags.segment import Segment
from xmodal_ros.errors import BagError
from xmodal_ros.modalities.audio.file import info_record, sound_records
from xmodal_ros.modalities.file import Record
from xmodal_ros.modalities.sensor import Sensor

MICROPHONE: Final = Sensor('microphone', 'audio', '/audio', 'microphone_link')
LENGTH_NS: Final = 5 * SECOND_NS
# The rate in Hz, and samples (n, channels).
Sound = tuple[int, NDArray[Any]]


def sound_parts(
    names: Sequence[str], read: Callable[[int], Sound], segments: Sequence[Segment]
) -> Iterator[SensorData]:
    """Give the first five seconds of each clip; ``read`` takes its number.

    Raises :class:`BagError` for one that is at another rate than the first.
    """
    first_rate = 0
    for number, (name, segment) in enumerate(zip(names, segments, strict=True)):
        rate, samples = read(number)
        if first_rate and rate != first_rate:
            raise BagError(
                f'{name!r} is at {rate} Hz, {names[0]!r} at {first_rate} Hz: bring all clips to '
                'one rate'
            )
        records: list[Record] = []
        if not first_rate:
            records.append(info_record(MICROPHONE.topic, segment.start_ns, rate, 1))
        first_rate = rate
        # To mono: a robot's microphone is, and so are the clips as published.
        mono = samples[: rate * LENGTH_NS // SECOND_NS].mean(axis=1).astype(samples.dtype)
        records += sound_records(
            MICROPHONE.topic, MICROPHONE.frame, segment.start_ns, mono[:, None], rate
        )
        yield SensorData([segment], records)

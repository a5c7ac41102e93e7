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

"""Which sensors of a recording can be shown, and how their messages are read."""

from dataclasses import dataclass, replace
from itertools import islice
from typing import Final

from xmodal_ros import registry
from xmodal_ros.bags.reading import BagReader, Topic
from xmodal_ros.errors import BagError
from xmodal_ros.media.lane import Lane
from xmodal_ros.modalities.registry import find_modality
from xmodal_ros.modalities.sensor import Sensor
from xmodal_ros.streams.cdr import read_stamp_ns
from xmodal_ros.streams.sample import DecodeError

# The first messages of a sensor may be broken while its driver starts.
_FIRST_MESSAGES: Final = 10
# Clocks that are further apart than any transport delay were not synchronised.
_CLOCK_DIFFERENCE_NS: Final = 1_000_000_000


@dataclass(frozen=True)
class Track:
    """One sensor as a page shows it.

    ``problem`` says why it cannot be shown, else there is a ``lane``. ``delay_ns`` is by how much
    its first messages were recorded after their stamps.
    """

    sensor: Sensor
    problem: str = ''
    delay_ns: int = 0
    lane: Lane | None = None

    @property
    def warning(self) -> str:
        """What a person should know before trusting what is shown; '' for nothing."""
        if self.problem:
            return f'{self.sensor.name} cannot be shown: {self.problem}'
        if abs(self.delay_ns) > _CLOCK_DIFFERENCE_NS:
            return (
                f'{self.sensor.name}: its stamps are {self.delay_ns / 1e9:.3f} s behind the time '
                'of recording; it is shown by its stamps, as models are trained'
            )
        return ''


def lane_of(modality: str) -> type[Lane] | None:
    """Give the kind of lane that shows a modality, None for one that is not shown."""
    if modality not in registry.names(registry.LANES):
        return None
    found: type[Lane] = registry.load(registry.LANES, modality)
    return found


def find_tracks(reader: BagReader) -> tuple[Track, ...]:
    """Give a track for each sensor that has messages; reads a few messages of each.

    Raises :class:`BagError` when the recording is damaged.
    """
    empty = Topic('', '', 0)
    return tuple(
        _track(reader, sensor)
        for sensor in reader.sensors
        if reader.topics.get(sensor.topic, empty).count
    )


def _track(reader: BagReader, sensor: Sensor) -> Track:
    kind, msgtype = lane_of(sensor.modality), reader.topics[sensor.topic].msgtype
    if msgtype not in find_modality(sensor.modality).message_types:
        return Track(sensor, f'messages of type {msgtype} are not known')
    if kind is None:
        return Track(sensor, f'nothing is installed that shows sensors of {sensor.modality}')
    problem = 'its first messages are broken'
    for message in list(islice(reader.messages([sensor.topic]), _FIRST_MESSAGES)):
        try:
            lane = kind.probe(reader, sensor, message)
            stamp_ns = read_stamp_ns(message.data) if lane.stamped else message.received_ns
        except BagError as error:
            return Track(sensor, str(error))
        except DecodeError as error:
            problem = str(error)
        else:
            return Track(sensor, delay_ns=message.received_ns - stamp_ns, lane=lane)
    return Track(sensor, problem)


def within(reader: BagReader, track: Track) -> Track:
    """Give a track that a recording's labels can be put to, else one that says why not."""
    if abs(track.delay_ns) <= max(reader.end_ns - reader.start_ns, _CLOCK_DIFFERENCE_NS):
        return track
    problem = (
        f'its stamps are {track.delay_ns / 1e9:.0f} s behind the time of recording, further than '
        'the recording is long, and labels cannot name such times: the clocks of its driver and '
        'of the recorder were not synchronised'
    )
    return replace(track, problem=problem, lane=None)

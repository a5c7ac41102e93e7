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

"""Find topics of a recording that matter to a robot's models; without torch, for launch files."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from xmodal_ros.bags.audio_format import read_audio_format
from xmodal_ros.bags.reading import BagReader
from xmodal_ros.errors import XmodalError
from xmodal_ros.modalities.registry import find_modality
from xmodal_ros.modalities.sensor import Sensor
from xmodal_ros.models.configuration_bundle import read_bundle_info
from xmodal_ros.parameter import Value
from xmodal_ros.paths import user_path

_OF_NODES: Final = ('/diagnostics', 'activity', 'activity/label', 'activity/source')
_OF_CLASSIFIER: Final = ('activity', 'labels')


def look(
    bag: str,
    namespace: str,
    models: Mapping[str, str],
    topics: Mapping[str, str],
    guesses: Sequence[str],
    declared: bool,
    published: Sequence[str],
) -> dict[str, Any]:
    """Say where the sensors of models are in a recording, and how it declares them.

    ``models`` and ``topics`` are by sensor. A topic that is given stays, but for a sensor in
    ``guesses`` one that is not recorded. Without one it is that of the bag's sensor that bears
    the name of the bundle's; where there is none, a guess keeps what it had. ``settings`` are
    given where they are wanted as they are ``declared``. ``played`` are the topics to play where
    some are to be left out, for the nodes publish on them, or others as ``published`` says:
    whoever listens would take what they once said for what they say. Raises
    :class:`BundleError` and :class:`BagError`, the latter naming the sensors that there are.
    """
    found = dict(topics)
    with BagReader(user_path(bag)) as reader:
        for sensor, model in models.items():
            given = found.get(sensor, '')
            if sensor in guesses:
                if not (given and recorded(reader, [given], namespace)):
                    found[sensor] = _guess(reader, user_path(model)) or given
            elif not given:
                found[sensor] = bag_topic(reader, user_path(model))
        found = {sensor: topic for sensor, topic in found.items() if topic}
        return {
            'topics': found,
            'settings': {
                name: settings_on(reader, topic) if declared else {}
                for name, topic in found.items()
            },
            'recorded': recorded(reader, found.values(), namespace),
            'played': _played(reader, models, published, namespace),
            'window_s': max(
                (_window_s(model) for sensor, model in models.items() if sensor not in guesses),
                default=0.0,
            ),
        }


def bag_topic(reader: BagReader, bundle: Path) -> str:
    """Give the topic of the bag's sensor that bears the name of the bundle's.

    Raises :class:`BundleError` when there is no bundle, and :class:`BagError` when the bag has no
    such sensor, naming those it has.
    """
    return reader.sensor(read_bundle_info(bundle).sensor).topic


def settings_on(reader: BagReader, topic: str) -> dict[str, Value]:
    """Give :func:`sensor_settings` of the bag's sensor on a topic; none where there is none."""
    found = [sensor for sensor in reader.sensors if sensor.topic == topic]
    return sensor_settings(reader, found[0]) if found else {}


def sensor_settings(reader: BagReader, sensor: Sensor) -> dict[str, Value]:
    """Give the parameters by which a node reads a sensor's messages as its bag declares them."""
    modality = find_modality(sensor.modality)
    audio_format = read_audio_format(reader, sensor.topic)
    return {**modality.parameters_for(sensor.placement, audio_format)}


def recorded(reader: BagReader, topics: Iterable[str], namespace: str) -> list[str]:
    """Give the full names of those topics that the bag holds; others play no part in a replay."""
    return [name for name in _full(topics, namespace) if name in reader.topics]


def _full(topics: Iterable[str], namespace: str) -> list[str]:
    full = (topic if topic.startswith('/') else f'{namespace}/{topic}' for topic in topics)
    return [f'/{topic.strip("/")}' for topic in full]


def _played(
    reader: BagReader, sensors: Iterable[str], published: Iterable[str], namespace: str
) -> list[str]:
    """Give the topics that the nodes of a launch file do not publish; none for all of them."""
    own = {
        *_OF_NODES,
        *published,
        *(f'{sensor}_classifier/{topic}' for sensor in sensors for topic in _OF_CLASSIFIER),
    }
    left_out = {*_full(own, namespace)} & reader.topics.keys()
    return [name for name in reader.topics if name not in left_out] if left_out else []


def _guess(reader: BagReader, bundle: Path) -> str:
    try:
        return bag_topic(reader, bundle)
    except XmodalError:
        # The node that is given the model says what is wrong with it.
        return ''


def _window_s(model: str) -> float:
    return read_bundle_info(user_path(model)).window.length_ns / 1e9

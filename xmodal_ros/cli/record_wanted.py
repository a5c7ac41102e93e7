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

"""What ``xmodal record`` is asked to record: topics, what bundles read, a robot's sensors."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from xmodal_ros.errors import ConfigurationError, UsageError
from xmodal_ros.models.configuration_bundle import read_bundle_info
from xmodal_ros.streams.placement import AS_IT_COMES, make_placement
from xmodal_ros.tools.record.choice import Wanted


@dataclass(frozen=True)
class Asked:
    """What the options say of what to record."""

    topics: tuple[str, ...] = ()
    models: tuple[Path, ...] = ()
    sensors: Path | None = None
    subject: str = ''
    notes: tuple[str, ...] = ()

    def wanted(self) -> tuple[Wanted, ...]:
        """Give what to record; a sensor whose topic is given is not looked for any more.

        Raises :class:`ConfigurationError` and :class:`BundleError`.
        """
        found: dict[str, Wanted] = {}
        for path in self.models:
            info = read_bundle_info(path)
            found[info.sensor] = Wanted(sensor=info.sensor, modality=info.modality)
        if self.sensors is not None:
            found |= {each.sensor: each for each in _read_table(self.sensors)}
        for text in self.topics:
            each = _named_topic(text)
            known = found.get(each.sensor)
            if known is not None:
                each = Wanted(each.topic, each.sensor, known.modality, known.placement)
            found[each.sensor or each.topic] = each
        return tuple(found.values())

    def metadata(self) -> dict[str, str]:
        """Give the notes by their keys; raises :class:`ConfigurationError`."""
        found: dict[str, str] = {}
        for note in self.notes:
            key, equals, text = note.partition('=')
            if not (equals and key) or key in ('sensors', 'subject'):
                raise UsageError(
                    f'--note {note!r} is no KEY=TEXT, or is what --subject and --topic say'
                )
            found[key] = text
        return found


def _named_topic(text: str) -> Wanted:
    name, equals, topic = text.partition('=')
    if not equals:
        name, topic = '', text
    if not topic.strip('/') or (equals and not name):
        raise UsageError(f'--topic {text!r} is no TOPIC and no NAME=TOPIC')
    return Wanted(_full(topic), name)


def _full(topic: str) -> str:
    return topic if topic.startswith('/') else f'/{topic}'


def _read_table(file: Path) -> Sequence[Wanted]:
    """Read the table of sensors of a file of parameters; raises :class:`ConfigurationError`."""
    from xmodal_ros.ros.sensor_table import read_sensors

    try:
        content = yaml.safe_load(file.read_text(encoding='utf-8'))
        sections = [section['ros__parameters'] for section in content.values()]
        tables = [section['sensors'] for section in sections if 'sensors' in section]
        values = {
            f'{name}.{field}': value
            for table in tables
            for name, fields in table.items()
            for field, value in fields.items()
        }
    except (OSError, ValueError, yaml.YAMLError, AttributeError, KeyError, TypeError) as error:
        raise ConfigurationError(
            f'{file} holds no parameters of nodes ({error!r}): lay it out like '
            'config/perception.yaml'
        ) from error
    if not values:
        raise ConfigurationError(f'{file} holds no table of sensors: see docs/perception.md')
    found = []
    for entry in read_sensors(values):
        fields = entry.classifier
        rotation, region = (
            fields.get(key) if fields.get(key) != default else None
            for key, default in (
                ('mounting_rotation', [0.0, 0.0, 0.0]),
                ('region_of_interest', [0.0, 0.0, 1.0, 1.0]),
            )
        )
        placement = make_placement(rotation, region) if rotation or region else AS_IT_COMES
        topic = str(fields.get('topic', '') or '')
        found.append(Wanted(_full(topic) if topic else '', entry.name, entry.modality, placement))
    return found

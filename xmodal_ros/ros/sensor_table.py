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

"""The sensors of a robot as parameters: declared once, for every node that needs them."""

from collections.abc import Mapping
from dataclasses import dataclass
import difflib
from typing import Any, Final

from xmodal_ros.errors import ConfigurationError
from xmodal_ros.modalities.registry import find_modality, modality_names
from xmodal_ros.ros.parameter_tables import classifier_table
from xmodal_ros.runtime.selector_settings import AUTO

# What the selector wants to know of a source, as its parameters call it.
_OF_SELECTOR: Final = ('priority', 'weight')
# Names are part of a node's name and of its services', which ROS lets be 247 characters long.
_LONGEST_NAME: Final = 100
_NOT_OF_A_SENSOR: Final = frozenset({'autostart', 'diagnostics_period'})


@dataclass(frozen=True)
class SensorEntry:
    """One sensor of the table: parameters for its classifier, and for the selector about it."""

    name: str
    modality: str
    classifier: Mapping[str, Any]
    selector: Mapping[str, Any]

    @property
    def model(self) -> str:
        """The folder of its bundle; '' where nothing is to be classified by it."""
        return str(self.classifier.get('model', ''))


def read_sensors(values: Mapping[str, Any]) -> tuple[SensorEntry, ...]:
    """Make the table of parameters named like ``imu_wrist.topic``, without their prefix.

    A sensor named after a modality is of that modality unless it says otherwise. Raises
    :class:`ConfigurationError` for what cannot be one, naming what there could be.
    """
    by_name: dict[str, dict[str, Any]] = {}
    for key, value in values.items():
        name, dot, field = key.partition('.')
        if not dot or not field:
            raise ConfigurationError(
                f'sensors.{key} says nothing of a sensor: write, for example, '
                'sensors: {imu_wrist: {modality: imu, topic: /imu_wrist}}'
            )
        by_name.setdefault(name, {})[field] = value
    for name in by_name:
        _check_name(name)
    return tuple(_entry(name, fields) for name, fields in by_name.items())


def _check_name(name: str) -> None:
    """Refuse what ROS would let be no part of a node's name, or the selector no source."""
    usable = name.isascii() and name.isidentifier() and len(name) <= _LONGEST_NAME
    if not usable or name == AUTO:
        raise ConfigurationError(
            f'a sensor cannot be called {name!r}: use letters, digits and underscores, a letter '
            f'first, at most {_LONGEST_NAME} of them, and another word than {AUTO!r}'
        )


def _entry(name: str, fields: Mapping[str, Any]) -> SensorEntry:
    modality = _modality(name, fields)
    table = classifier_table(find_modality(modality))
    known = [each.name for each in table if each.name not in _NOT_OF_A_SENSOR]
    for field in fields:
        if field not in (*known, *_OF_SELECTOR, 'modality'):
            close = difflib.get_close_matches(field, [*known, *_OF_SELECTOR], n=1)
            raise ConfigurationError(
                f'sensors.{name}.{field} is nothing that can be said of a sensor of modality '
                f'{modality}'
                + (f'; closest is {close[0]!r}' if close else '')
                + f': {", ".join(("modality", *known, *_OF_SELECTOR))}'
            )
    return SensorEntry(
        name,
        modality,
        {field: value for field, value in fields.items() if field in known},
        {field: value for field, value in fields.items() if field in _OF_SELECTOR},
    )


def _modality(name: str, fields: Mapping[str, Any]) -> str:
    stated = fields.get('modality', name)
    for modality in modality_names():
        if stated == modality:
            return modality
    if 'modality' in fields:
        raise ConfigurationError(
            f'sensors.{name}.modality = {stated!r} is none of {", ".join(modality_names())}'
        )
    raise ConfigurationError(
        f'sensor {name!r} has no modality: set sensors.{name}.modality to one of '
        f'{", ".join(modality_names())}'
    )

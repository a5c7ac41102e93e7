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

"""What a bundle says of its making, in words."""

from collections.abc import Collection, Mapping
from typing import Final

from xmodal_ros.data.report import in_words
from xmodal_ros.models.configuration_bundle import BundleInfo

_WORDS: Final[Mapping[str, str]] = {
    'bags': 'recordings',
    'counts': 'learnt from',
    'method_options': 'options of the method',
    'method_facts': 'what the method tells',
    'augmentation': 'changed in training by',
    'training_hop_ns': 'time between windows in training, s',
    'epochs_run': 'epochs',
    'xmodal_ros': 'xmodal_ros',
}
_UNITS: Final[Mapping[str, str]] = {'_db': 'dB', '_s': 's', '_ns': 's', '_hz': 'Hz', '_deg': '°'}
_SECOND_NS: Final = 1_000_000_000


def model_facts(info: BundleInfo) -> dict[str, str]:
    """Give what is known of a bundle's making, title and text; what is empty is left out."""
    given = info.provenance.get('sources_given')
    sensors = map(str, given) if isinstance(given, list | tuple) else ()
    names = {*info.labels, *info.sources, *sensors, info.sensor}
    facts = _facts(info.provenance, names)
    return {title: _text(value, names) for title, value in facts.items()}


def _facts(values: Mapping[str, object], names: Collection[str]) -> dict[str, object]:
    """Give values by their keys in words; names of sensors and activities stay as they are."""
    facts: dict[str, object] = {}
    for key, value in values.items():
        if value is None or (isinstance(value, str | list | tuple | Mapping) and not value):
            continue
        title = key if key in names else _title(key)
        if isinstance(value, int) and key.endswith('_ns'):
            value = value / _SECOND_NS
        facts[title] = value
    return facts


def _title(key: str) -> str:
    if key in _WORDS:
        return _WORDS[key]
    for ending, unit in _UNITS.items():
        if key.endswith(ending):
            return f'{key.removesuffix(ending).replace("_", " ")}, {unit}'
    return key.replace('_', ' ')


def _text(value: object, names: Collection[str]) -> str:
    """Write a value without the brackets of its form."""
    if isinstance(value, Mapping):
        return '; '.join(_part(*fact, names) for fact in _facts(value, names).items())
    if isinstance(value, list | tuple):
        apart = '; ' if any(isinstance(inner, Mapping) for inner in value) else ', '
        return apart.join(_text(inner, names) for inner in value)
    if isinstance(value, bool):
        return 'yes' if value else 'no'
    return f'{value:.5g}' if isinstance(value, float) else str(value)


def _part(title: str, value: object, names: Collection[str]) -> str:
    """Write one fact of several."""
    if not isinstance(value, Mapping):
        return f'{title}: {_text(value, names)}'
    if title == 'left out':
        inner = [f'{count} {in_words(str(reason))}' for reason, count in value.items()]
    else:
        inner = [_part(*fact, names) for fact in _facts(value, names).items()]
    return f'{title} ({", ".join(inner)})'

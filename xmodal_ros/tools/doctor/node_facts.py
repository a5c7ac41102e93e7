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

"""Which nodes are this package's, from what they say and answer."""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Final

from xmodal_ros.modalities.registry import all_modalities, modality_names
from xmodal_ros.runtime.health import Level, STATE
from xmodal_ros.tools.doctor.facts import NodeFacts, NodeKind

_CLASSIFIER: Final = ' classifier'
_SELECTOR: Final = 'activity selector'
# Parameters that no other node has all of.
_OF_CLASSIFIERS: Final = frozenset({'model', 'topic', 'unknown_threshold'})
_OF_SELECTORS: Final = frozenset({'source_names', 'return_after', 'stand_in'})
_WANTED: Final = (
    *_OF_CLASSIFIERS,
    *_OF_SELECTORS,
    *('source', 'mode', 'device', 'use_sim_time'),
    *('info_topic', 'audio_rate', 'audio_channels', 'audio_format'),
)


@dataclass(frozen=True)
class NodeAnswers:
    """One status that a node has published on ``/diagnostics``."""

    hardware: str
    level: Level
    message: str
    values: Mapping[str, str] = field(default_factory=dict)


def wanted_parameters(names: Iterable[str]) -> tuple[str, ...]:
    """Choose those of a node's parameters that tell what it is and what it listens to."""
    return tuple(
        sorted(
            name
            for name in names
            if name in _WANTED or (name.startswith('sources.') and name.endswith('.topic'))
        )
    )


def summarise_node(
    name: str, said: NodeAnswers | None, state: str, parameters: Mapping[str, object] | None
) -> NodeFacts | None:
    """Put together what is known of a node; None for one that is not of this package.

    ``state`` and ``parameters`` are its answers, '' and None where it gave none.
    """
    kind, modality = _kind(name, said, frozenset(parameters or ()))
    if kind is None:
        return None
    values = said.values if said else {}
    return NodeFacts(
        name=name,
        kind=kind,
        modality=modality,
        # What it said is newer than what it was asked.
        state=values.get(STATE) or state,
        answered=bool(state),
        level=said.level if said else '',
        message=said.message if said else '',
        values=values,
        parameters=parameters or {},
    )


def _kind(
    name: str, said: NodeAnswers | None, parameters: AbstractSet[str]
) -> tuple[NodeKind | None, str | None]:
    hardware = said.hardware if said and name.startswith('/') else ''
    if hardware.endswith(_CLASSIFIER):
        word = hardware.removesuffix(_CLASSIFIER)
        return 'classifier', word if word in modality_names() else None
    if hardware == _SELECTOR:
        return 'selector', None
    if hardware and said and STATE in said.values:
        for modality in all_modalities():
            if modality.driver == hardware:
                return 'driver', modality.name
    if parameters >= _OF_CLASSIFIERS:
        return 'classifier', None
    if parameters >= _OF_SELECTORS:
        return 'selector', None
    return None, None

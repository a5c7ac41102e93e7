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

"""The faults by name, and which of them befall a sensor."""

from collections.abc import Sequence
import difflib
from typing import Final

from xmodal_ros.errors import ConfigurationError
from xmodal_ros.modalities.faults import FaultKind
from xmodal_ros.modalities.registry import all_modalities, find_modality
from xmodal_ros.modalities.stream import StreamConfig

ALL: Final = 'all'


def fault_names() -> tuple[str, ...]:
    """Give the names of all faults: first those that befall every sensor."""
    kinds = [[fault.name for fault in each.faults()] for each in all_modalities()]
    shared = [name for name in kinds[0] if all(name in names for names in kinds)]
    return tuple(dict.fromkeys([*shared, *(name for names in kinds for name in names)]))


def choose(names: Sequence[str]) -> tuple[str, ...]:
    """Check names of faults, ``all`` among them standing for every one.

    Raises :class:`ConfigurationError` that lists those there are.
    """
    known = fault_names()
    for name in names:
        if name not in (*known, ALL):
            close = difflib.get_close_matches(name, known, n=1)
            hint = f'; did you mean {close[0]!r}?' if close else ''
            raise ConfigurationError(
                f'there is no fault {name!r}: choose among {", ".join(known)}, or {ALL}{hint}'
            )
    return known if ALL in names else tuple(name for name in known if name in names)


def faults_of(stream: StreamConfig, names: Sequence[str]) -> tuple[FaultKind, ...]:
    """Give those of the named faults that can befall a sensor of this stream."""
    faults = find_modality(stream.modality).faults(stream)
    return tuple(fault for fault in faults if fault.name in names)

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

"""What can be chosen by name, found among the entry points of all installed packages.

A package, this one among them, declares what it adds in the groups :data:`MODALITIES`,
:data:`ENCODERS`, :data:`METHODS` and :data:`LANES` (how a modality is drawn, by its name) of its
entry points. Nothing is imported to know the names.
"""

from collections.abc import Mapping
import difflib
from functools import cache
import hashlib
from importlib.metadata import entry_points, EntryPoint
from pathlib import Path
import sys
from typing import Any, Final

from xmodal_ros.errors import ConfigurationError

MODALITIES: Final = 'xmodal_ros.modalities'
ENCODERS: Final = 'xmodal_ros.encoders'
METHODS: Final = 'xmodal_ros.methods'
LANES: Final = 'xmodal_ros.lanes'

# In the singular, for people.
_KINDS: Final[Mapping[str, str]] = {
    MODALITIES: 'modality',
    ENCODERS: 'encoder',
    METHODS: 'transfer method',
    LANES: 'lane of the modality',
}


@cache
def _declared() -> Any:
    """Give what lets entry points of any group be selected; reads the metadata of all packages."""
    return entry_points()


@cache
def entries(group: str) -> Mapping[str, EntryPoint]:
    """Give the entry points of a group by name, sorted; nothing is imported.

    Raises :class:`ConfigurationError` where two packages declare the same name, and where there
    is none at all: then the package is on the path without having been installed.
    """
    found: dict[str, EntryPoint] = {}
    for entry in sorted(_declared().select(group=group), key=lambda each: each.name):
        other = found.setdefault(entry.name, entry)
        if other.value != entry.value:
            raise ConfigurationError(
                f'two packages declare the {_KINDS[group]} {entry.name!r}: {other.value} and '
                f'{entry.value}; uninstall one of them'
            )
    if not found:
        raise ConfigurationError(
            f'no {_KINDS[group]} is installed: xmodal_ros is on the Python path without its '
            "metadata; install it ('colcon build' in a workspace, 'make setup' in a checkout)"
        )
    return found


def names(group: str) -> tuple[str, ...]:
    """Give the names of a group, sorted."""
    return tuple(entries(group))


def check(group: str, name: str) -> None:
    """Raise :class:`ConfigurationError` for a name that nobody declares; imports nothing."""
    known = entries(group)
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1)
        hint = f'; did you mean {close[0]!r}?' if close else ''
        raise ConfigurationError(
            f'there is no {_KINDS[group]} {name!r}: choose one of {", ".join(known)}{hint}'
        )


def load(group: str, name: str) -> Any:
    """Import what a name of a group stands for.

    Raises :class:`ConfigurationError` for a name that nobody declares, and for one whose package
    cannot be imported.
    """
    check(group, name)
    return _import(group, name)


def not_a(group: str, name: str, wanted: str, found: object) -> ConfigurationError:
    """Give the error for an entry point that is no subclass of what is ``wanted`` by its name."""
    return ConfigurationError(
        f'the entry point {name!r} of the group {group} must be a subclass of {wanted} is '
        f'{name!r}, not {found!r}: correct it in the package that declares it'
    )


@cache
def _import(group: str, name: str) -> Any:
    entry = entries(group)[name]
    try:
        return entry.load()
    except Exception as error:
        package = entry.dist.name if entry.dist else entry.value
        raise ConfigurationError(
            f'the {_KINDS[group]} {name!r} of {package} cannot be loaded: {error}'
        ) from error


@cache
def other_code(found: type) -> str:
    """Hash the source of the package that a class is of; '' for this one, which has a version.

    As it is when it is asked for first: what was imported is used until the process ends.
    """
    name = found.__module__.partition('.')[0]
    file = getattr(sys.modules[name], '__file__', None)
    if name == __name__.partition('.')[0] or file is None:
        return ''
    path = Path(file)
    # A module that is no package is its file alone.
    files = path.parent.rglob('*.py') if path.name == '__init__.py' else [path]
    digest = hashlib.sha256()
    for each in sorted(files):
        within = each.relative_to(path.parent)
        # What an editor leaves beside them is none, as Emacs's '.#mod.py', a link to nowhere.
        if any(part.startswith('.') for part in within.parts) or not each.is_file():
            continue
        digest.update(f'{within}\0'.encode())
        digest.update(each.read_bytes())
    return digest.hexdigest()

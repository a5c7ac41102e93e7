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

"""Arguments of launch files: what they are called, what they may be, and what was given."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
import difflib
from pathlib import Path
from typing import Final

from ament_index_python.packages import get_package_share_directory

from xmodal_ros.errors import ConfigurationError
from xmodal_ros.paths import user_path

PACKAGE: Final = 'xmodal_ros'
FLAG: Final = ('true', 'false')
FLAG_OR_DEFAULT: Final = ('', *FLAG)
LEVELS: Final = ('debug', 'info', 'warn', 'error', 'fatal')
PRECISIONS: Final = ('', 'fp32', 'fp16', 'bf16')
RUNTIMES: Final = ('', 'auto', 'torch', 'onnx')
_OTHER_SPELLINGS: Final[Mapping[str, str]] = {'1': 'true', '0': 'false'}


@dataclass(frozen=True)
class Argument:
    """An argument of a launch file, as ``ros2 launch ... -s`` shows it.

    All are strings, as on the command line. ``choices`` are in lower case; '' among them is what
    leaves the decision to something else.
    """

    name: str
    description: str
    default: str = ''
    choices: tuple[str, ...] | None = None

    def read(self, value: str) -> str:
        """Give a value as ``choices`` spell it: ``True`` and ``1`` are ``true``.

        Raises :class:`ConfigurationError` for one that is none of them.
        """
        if self.choices is None:
            return value
        for spelling in (value.lower(), _OTHER_SPELLINGS.get(value)):
            if spelling in self.choices:
                return spelling
        offered = ', '.join(choice for choice in self.choices if choice)
        raise ConfigurationError(
            f'{self.name}:={value} is none of {offered}: give one of them, or leave it out'
        )


def read_arguments(arguments: Sequence[Argument], given: Mapping[str, str]) -> dict[str, str]:
    """Give the value of every argument: what was given, or the default.

    Raises :class:`ConfigurationError` for a name that is not there and for a value that is none
    of an argument's choices.
    """
    names = [argument.name for argument in arguments]
    for name in given:
        if name not in names:
            close = difflib.get_close_matches(name, names, n=1)
            hint = f'; closest is {close[0]}' if close else ''
            raise ConfigurationError(
                f'there is no argument {name}{hint}; there are {", ".join(names)}'
            )
    return {each.name: each.read(given.get(each.name, each.default)) for each in arguments}


def read_number(values: Mapping[str, str], name: str) -> float:
    """Read an argument that is a number; raises :class:`ConfigurationError` for another."""
    try:
        return float(values[name])
    except ValueError:
        raise ConfigurationError(
            f'{name}:={values[name]} is no number: give one, for example {name}:=1.0'
        ) from None


def read_file(values: Mapping[str, str], name: str) -> str:
    """Give the path of a file that is there; raises :class:`ConfigurationError` otherwise."""
    path = user_path(values[name])
    if not path.is_file():
        raise ConfigurationError(f'{name}:={values[name]}: there is no such file')
    return str(path)


def flags(values: Mapping[str, str], *names: str) -> dict[str, bool]:
    """Give those of flags that were given; the others are what something else says."""
    return {name: values[name] == 'true' for name in names if values[name]}


def share(*parts: str) -> Path:
    """Give the path of something that is installed with the package."""
    return Path(get_package_share_directory(PACKAGE), *parts)


def autostart_argument() -> Argument:
    """Give the argument that leaves the lifecycle to a manager."""
    return Argument(
        'autostart',
        'Configure and activate at start; false leaves that to a lifecycle manager. By default '
        'what params_file says.',
        '',
        FLAG_OR_DEFAULT,
    )


def shared_arguments() -> tuple[Argument, ...]:
    """Give the arguments that every launch file has."""
    return (
        Argument('namespace', 'Namespace of the nodes.'),
        Argument('log_level', 'What is logged.', 'info', LEVELS),
    )

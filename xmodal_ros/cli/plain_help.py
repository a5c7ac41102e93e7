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

"""Help that shows what is typed as people write it, whatever the command-line library makes of it.

Its versions differ: usage lines are put together here, and types are shown otherwise where it
shows them at all.
"""

from collections.abc import Callable
from typing import Any

import typer


def write_plainly(command: Any) -> Any:
    """Let the help of a command, and of those below it, be plain; gives the command.

    Flags take no value, an argument is called by its name, in brackets where it may be left out,
    and the range of a number stands beside it.
    """
    for below in getattr(command, 'commands', {}).values():
        write_plainly(below)
    name_plainly(command.get_params(typer.Context(command)))
    for param in command.params:
        if param.param_type_name == 'argument':
            param.get_usage_pieces = _usage(param)
    return command


def name_plainly(params: list[Any]) -> None:
    """Let parameters of a command show their types plainly."""
    for param in params:
        if getattr(param, 'is_flag', False):
            param.metavar = ''
        elif shown := getattr(param, 'display_type_rich', None):
            is_argument = param.param_type_name == 'argument'
            param.display_type_rich = _nothing if is_argument else _without_range(shown)


def _usage(argument: Any) -> Callable[[Any], list[str]]:
    """Write ``BAG...`` where it is needed, and ``[BAG...]`` where it is not."""
    word = argument.metavar if argument.required else f'[{argument.metavar}]'
    return lambda _ctx: [word]


def _nothing(ctx: Any) -> None:
    """Show no type: what an argument holds its help says."""


def _without_range(shown: Callable[..., str | None]) -> Callable[..., str | None]:
    return lambda ctx: (words := shown(ctx=ctx)) and words.replace(' range>', '>')

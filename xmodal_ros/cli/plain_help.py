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

Some of what is changed here older versions of the library lack, and write well by themselves.
"""

from collections.abc import Callable
import re
from typing import Any

import typer


def write_plainly(command: Any) -> Any:
    """Let the help of a command, and of those below it, be plain; gives the command.

    Flags take no value, an argument is called by its name, and the range of a number stands
    beside it.
    """
    for below in getattr(command, 'commands', {}).values():
        write_plainly(below)
    name_plainly(command.get_params(typer.Context(command)))
    pieces = command.collect_usage_pieces
    command.collect_usage_pieces = lambda ctx: [plain_usage(piece) for piece in pieces(ctx)]
    return command


def name_plainly(params: list[Any]) -> None:
    """Let parameters of a command show their types plainly."""
    for param in params:
        if getattr(param, 'is_flag', False):
            param.metavar = ''
        elif shown := getattr(param, 'display_type_rich', None):
            is_argument = param.param_type_name == 'argument'
            param.display_type_rich = _nothing if is_argument else _without_range(shown)


def plain_usage(piece: str) -> str:
    """Write ``BAG...`` for ``{BAG...}...``, and ``[BAG...]`` for ``[BAG...]...``."""
    required = re.fullmatch(r'\{(.*)\}(?:\.\.\.)?', piece)
    return required[1] if required else piece.replace('...]...', '...]')


def _nothing(ctx: Any) -> None:
    """Show no type: what an argument holds its help says."""


def _without_range(shown: Callable[..., str | None]) -> Callable[..., str | None]:
    return lambda ctx: (words := shown(ctx=ctx)) and words.replace(' range>', '>')

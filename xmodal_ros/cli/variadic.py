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

"""Options that take several values after one flag: ``--test-subjects 2 4 6 8``.

The command-line library knows repeated flags only, so the arguments are rewritten into those
before it sees them.
"""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import typer.core

# An option with the words it takes, or a single word that no option takes.
_Group = list[str] | str
_EVERY = -1


def spread_values(
    arguments: Sequence[str], several: Collection[str], single: Collection[str]
) -> list[str]:
    """Turn ``--x a b,c`` into ``--x a --x b --x c`` for the options named in ``several``.

    Such an option takes every word up to the next option or ``--``; options in ``single`` take
    one, all others none. Words that no option takes are paths. Where none is left, the last words
    of an option in ``several`` that exist as paths are taken to be them, so that
    ``--test-subjects 2 4 bags`` works; its first word is always its own.
    """
    groups = _group(arguments, several, single)
    if not any(isinstance(group, str) for group in groups):
        groups = [part for group in groups for part in _without_paths(group, several)]
    options: list[str] = []
    for group in groups:
        if isinstance(group, list) and len(group) == 1 and group[0] in {*several, *single}:
            # Without a value it is left to the parser to complain; it would take what follows.
            return group
        if isinstance(group, list) and group[0] in several:
            values = [value for word in group[1:] for value in word.split(',') if value]
            options += [part for value in values for part in (group[0], value)] or group
        elif isinstance(group, list):
            options += group
    return [*options, '--', *(group for group in groups if isinstance(group, str))]


def _group(
    arguments: Sequence[str], several: Collection[str], single: Collection[str]
) -> list[_Group]:
    groups: list[_Group] = []
    option: list[str] = []
    wanted = 0
    for position, word in enumerate(arguments):
        if word == '--':
            return [*groups, *arguments[position + 1 :]]
        if word.startswith('-') and word != '-' and wanted != 1:
            name, equals, value = word.partition('=')
            option = [name, value] if equals and name in several else [word]
            wanted = _EVERY if name in several else int(name in single)
            wanted = 0 if equals else wanted
            groups.append(option)
        elif wanted:
            option.append(word)
            wanted = _EVERY if wanted == _EVERY else 0
        else:
            groups.append(word)
    return groups


def _without_paths(group: _Group, several: Collection[str]) -> list[_Group]:
    if isinstance(group, str) or group[0] not in several:
        return [group]
    keep = len(group)
    while keep > 2 and Path(group[keep - 1]).exists():
        keep -= 1
    return [group[:keep], *group[keep:]]


class VariadicCommand(typer.core.TyperCommand):
    """A command whose repeatable options also take several values after one flag."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Rewrite the arguments, then parse them as ever."""
        options = [param for param in self.params if param.param_type_name == 'option']
        several = {name for o in options if getattr(o, 'multiple', False) for name in o.opts}
        single = {
            name for o in options if not getattr(o, 'is_flag', False) for name in o.opts
        } - several
        rewritten = spread_values(args, several, single) if args else args
        parsed: list[str] = super().parse_args(ctx, rewritten)
        return parsed

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Leave out what turns a flag off again: it has a column of its own, which help lacks."""
        off = {param: param.secondary_opts for param in self.params}
        for param in off:
            param.secondary_opts = []
        try:
            super().format_help(ctx, formatter)
        finally:
            for param, words in off.items():
                param.secondary_opts = words

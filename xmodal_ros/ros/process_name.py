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

"""The name that is given to a process of several nodes: it is that of one of them."""

from collections.abc import Iterator, Sequence
from typing import Final

_RENAMING: Final = ('__node:=', '__name:=')
_FLAGS: Final = ('-r', '--remap')


def rename_only(node: str, arguments: Sequence[str]) -> list[str]:
    """Let a name that is given to every node of a process be that of ``node`` alone.

    ``Node(executable='perception', name='perception')`` in a launch file, and ``-r __node:=...``
    on a command line, call all nodes of a process the same otherwise, and their topics,
    parameters and services are one another's then. Other rules are left as they are.
    """
    return list(_renamed(node, arguments))


def _renamed(node: str, arguments: Sequence[str]) -> Iterator[str]:
    in_ros = follows_flag = False
    for word in arguments:
        if in_ros and follows_flag and word.startswith(_RENAMING):
            yield f'{node}:{word}'
        else:
            yield word
        in_ros = word == '--ros-args' or (in_ros and word != '--')
        follows_flag = word in _FLAGS

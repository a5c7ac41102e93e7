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

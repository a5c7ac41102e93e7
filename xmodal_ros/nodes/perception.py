"""The executable ``perception``: the classifiers of all sensors and the selector in one."""

from collections.abc import Sequence
import sys

from xmodal_ros.ros.starting import Make, start


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the nodes until they are told to end; gives the exit code."""
    return start(_load, arguments, named='perception')


def _load() -> Make:
    from xmodal_ros.nodes.perception_node import Perception

    return lambda _done: Perception()


if __name__ == '__main__':
    sys.exit(main())

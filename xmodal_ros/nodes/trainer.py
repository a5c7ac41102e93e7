"""The executable ``trainer``: trains from recordings while the robot has nothing better to do."""

from collections.abc import Sequence
import sys

from xmodal_ros.dependencies import OF_NODES, OF_THE_COMMAND
from xmodal_ros.ros.starting import Make, start


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the node until it is to end; gives the exit code."""
    return start(_load, arguments, needs=(*OF_NODES, *OF_THE_COMMAND), unbegun=1)


def _load() -> Make:
    from xmodal_ros.nodes.trainer_node import TrainerNode

    return TrainerNode


if __name__ == '__main__':
    sys.exit(main())

"""The executable ``bag_player``: publishes a recording, for machines without ``ros2 bag``."""

from collections.abc import Sequence
import sys

from xmodal_ros.ros.starting import Make, start


def main(arguments: Sequence[str] | None = None) -> int:
    """Play until the recording is over or told to end; gives the exit code."""
    return start(_load, arguments)


def _load() -> Make:
    from xmodal_ros.nodes.bag_player_node import BagPlayer

    return BagPlayer


if __name__ == '__main__':
    sys.exit(main())

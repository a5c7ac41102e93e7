"""The executable ``evaluator``: scores a robot's labels against the truth, as they come."""

from collections.abc import Sequence
import sys

from xmodal_ros.ros.starting import Make, start


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the node until it is told to end; gives the exit code."""
    return start(_load, arguments)


def _load() -> Make:
    from xmodal_ros.nodes.evaluator_node import Evaluator

    return Evaluator


if __name__ == '__main__':
    sys.exit(main())

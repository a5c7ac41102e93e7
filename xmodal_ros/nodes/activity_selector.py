"""The executable ``activity_selector``: of several classifiers, the one answer to go by."""

from collections.abc import Sequence
import sys

from xmodal_ros.ros.starting import Make, start


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the node until it is told to end; gives the exit code."""
    return start(_load, arguments)


def _load() -> Make:
    from xmodal_ros.nodes.activity_selector_node import ActivitySelector

    return lambda _done: ActivitySelector()


if __name__ == '__main__':
    sys.exit(main())

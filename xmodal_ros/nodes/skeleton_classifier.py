"""The executable ``skeleton_classifier``: decides what a person does from one topic of poses."""

from collections.abc import Sequence
import sys

from xmodal_ros.ros.starting import Make, start


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the node until it is told to end; gives the exit code."""
    return start(_load, arguments)


def _load() -> Make:
    from xmodal_ros.ros.classifier import ClassifierNode

    return lambda _done: ClassifierNode('skeleton')


if __name__ == '__main__':
    sys.exit(main())

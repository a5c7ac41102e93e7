"""The node ``skeleton_classifier``: decides what a person does from one topic of poses."""

from collections.abc import Sequence
import sys

from xmodal_ros.ros.classifier import ClassifierNode
from xmodal_ros.ros.running import run


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the node until it is told to end; gives the exit code."""
    return run(lambda _done: ClassifierNode('skeleton'), arguments)


if __name__ == '__main__':
    sys.exit(main())

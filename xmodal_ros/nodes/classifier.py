"""The executable ``classifier``: decides what a person does from one sensor of any modality."""

from collections.abc import Sequence
import sys

from xmodal_ros.ros.starting import Make, start


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the node until it is told to end; gives the exit code."""
    return start(_load, arguments)


def _load() -> Make:
    from xmodal_ros.nodes.classifier_node import make_classifier

    return lambda _done: make_classifier()


if __name__ == '__main__':
    sys.exit(main())

"""The executable ``annotator``: draws what is recognised into pictures, and into RViz."""

from collections.abc import Sequence
import sys

from xmodal_ros.ros.starting import Make, start


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the node until it is told to end; gives the exit code."""
    return start(_load, arguments)


def _load() -> Make:
    from xmodal_ros.nodes.annotator_node import Annotator

    return lambda _done: Annotator()


if __name__ == '__main__':
    sys.exit(main())

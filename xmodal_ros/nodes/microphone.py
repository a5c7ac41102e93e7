"""The executable ``microphone``: publishes what a microphone hears."""

from collections.abc import Sequence
import sys

from xmodal_ros.ros.starting import Make, start


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the node until it is told to end; gives the exit code."""
    return start(_load, arguments)


def _load() -> Make:
    from xmodal_ros.nodes.microphone_node import MicrophoneNode

    return lambda _done: MicrophoneNode()


if __name__ == '__main__':
    sys.exit(main())

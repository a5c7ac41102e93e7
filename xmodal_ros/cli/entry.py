"""Where the ``xmodal`` command begins: interrupted while it is still loading, it ends quietly."""

import os
import signal
import sys

_INTERRUPTED = 128 + signal.SIGINT


def main() -> None:
    """Load the command line and run it."""
    before = signal.getsignal(signal.SIGINT)
    # Nothing has been begun that would have to be undone; who ignores the signal goes on to.
    if before is signal.default_int_handler:
        signal.signal(signal.SIGINT, lambda *_: os._exit(_INTERRUPTED))
    from xmodal_ros.cli.main import main as run

    signal.signal(signal.SIGINT, before)
    try:
        run()
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)


if __name__ == '__main__':
    main()

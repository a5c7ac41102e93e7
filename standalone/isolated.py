"""Run a command whose ROS nodes see each other and nothing else.

Usage: isolated.py COMMAND [ARGUMENT]...
"""

import os
import signal
import subprocess
import sys

from xmodal_standalone.domain import keep_on_this_machine, reserved_domain


def main() -> int:
    """Run the command given as arguments in a ROS domain of its own; give its exit code."""
    environment = dict(os.environ)
    with reserved_domain() as domain:
        keep_on_this_machine(environment, domain)
        # Ctrl-C reaches the command as well: it decides how to end, and we wait for that.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        command = subprocess.Popen(
            sys.argv[1:],
            env=environment,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        signal.signal(signal.SIGTERM, lambda *_: command.terminate())
        code = command.wait()
    return code if code >= 0 else 128 - code  # as a shell tells that a signal ended it


sys.exit(main())

"""Processes that must not outlive the one that started them."""

import ctypes
import multiprocessing
import os
import signal
from typing import Final

_LIBC: Final = ctypes.CDLL(None)
_SET_PARENT_DEATH_SIGNAL: Final = 1


def end_with_parent() -> None:
    """Ask Linux to end this process when its parent does, even one killed without a word."""
    _LIBC.prctl(_SET_PARENT_DEATH_SIGNAL, int(signal.SIGTERM))
    # One that ended while this one was still starting sends no signal any more.
    parent = multiprocessing.parent_process()
    if parent is not None and not parent.is_alive():
        os.kill(os.getpid(), signal.SIGTERM)

"""When to try again what has failed."""

from typing import Final

# However often it fails, what has returned should be noticed within half a minute.
LONGEST_S: Final = 30.0


class Backoff:
    """Waits of ``first_s``, then of twice as long each time, up to half a minute."""

    def __init__(self, first_s: float) -> None:
        self._first_s = first_s
        self._next_s = first_s

    def next_s(self) -> float:
        """Give the next wait in seconds."""
        wait_s = self._next_s
        self._next_s = max(self._first_s, min(2 * wait_s, LONGEST_S))
        return wait_s

    def reset(self) -> None:
        """Begin with the first wait again, now that it works."""
        self._next_s = self._first_s

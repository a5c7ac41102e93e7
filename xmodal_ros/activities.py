"""What activities may be called."""

from typing import Final

UNKNOWN: Final = 'unknown'
"""The answer of a model that does not know; no activity that a person shows."""

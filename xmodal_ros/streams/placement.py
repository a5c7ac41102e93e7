"""How a sensor sits on the robot: what of its samples must be turned or cut before a model."""

from dataclasses import dataclass
from typing import Final

Matrix = tuple[tuple[float, float, float], ...]


@dataclass(frozen=True)
class Placement:
    """Where a sensor differs from those that models are trained for.

    ``rotation`` (3, 3), by rows, turns an IMU's vectors into the frame of the model; ``region``
    is the part of a camera's picture to look at: left, top, width and height as shares of the
    whole. None changes nothing.
    """

    rotation: Matrix | None = None
    region: tuple[float, float, float, float] | None = None


AS_IT_COMES: Final = Placement()

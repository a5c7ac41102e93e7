"""The activities of the simulation, by the name that labels carry."""

from collections.abc import Callable
from typing import Final

from xmodal_ros.simulator.gestures import clapping, drinking, waving
from xmodal_ros.simulator.handiwork import hammering, sawing, sweeping, typing
from xmodal_ros.simulator.locomotion import jogging, squatting, walking
from xmodal_ros.simulator.motion import Motion, Take

ACTIVITIES: Final[dict[str, Callable[[Take], Motion]]] = {
    'clapping': clapping,
    'drinking': drinking,
    'hammering': hammering,
    'jogging': jogging,
    'sawing': sawing,
    'squatting': squatting,
    'sweeping': sweeping,
    'typing': typing,
    'walking': walking,
    'waving': waving,
}

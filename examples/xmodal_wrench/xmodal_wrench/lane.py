"""How forces and torques are drawn in the report and on the labelling page."""

from typing import Final

from xmodal_ros.bags.reading import BagReader, Message
from xmodal_ros.media.motion import Quantity, TraceLane
from xmodal_ros.modalities.sensor import Sensor
from xmodal_wrench.modality import decode_wrench

_QUANTITIES: Final = (Quantity('force', 'N', (-50, 50)), Quantity('torque', 'N m', (-5, 5)))


class WrenchLane(TraceLane):
    """Three axes of force and three of torque."""

    @classmethod
    def probe(cls, _reader: BagReader, sensor: Sensor, message: Message) -> 'WrenchLane':
        """Read them as classifiers do; raises DecodeError for a message that tells nothing."""
        decode_wrench(message.data)
        return cls(sensor.name, decode_wrench, _QUANTITIES)

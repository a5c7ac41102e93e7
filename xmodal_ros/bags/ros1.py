"""Convert ROS 1 messages to the CDR bytes that ROS 2 would hold."""

from rosbags.interfaces import Connection
from rosbags.typesys import get_types_from_msg, get_typestore, Stores
from rosbags.typesys.store import Typestore

from xmodal_ros.bags.message_types import TYPESTORE

_HEADER = 'std_msgs/msg/Header'


class Ros1Converter:
    """Convert by the definitions that a ROS 1 bag carries, one typestore a message type."""

    def __init__(self) -> None:
        self._typestores: dict[tuple[str, str], Typestore] = {}

    def to_cdr(self, connection: Connection, data: bytes) -> bytes:
        """Give the CDR bytes of one ROS 1 message; the header's sequence number is left out.

        Raises what rosbags raises for broken definitions or bytes.
        """
        key = (connection.msgtype, connection.digest)
        if key not in self._typestores:
            self._typestores[key] = _typestore_of(connection)
        return bytes(self._typestores[key].ros1_to_cdr(data, connection.msgtype))


def _typestore_of(connection: Connection) -> Typestore:
    types = get_types_from_msg(connection.msgdef.data, connection.msgtype)
    if _HEADER in types:
        types[_HEADER] = TYPESTORE.fielddefs[_HEADER]
    typestore = get_typestore(Stores.EMPTY)
    typestore.register(types)
    return typestore

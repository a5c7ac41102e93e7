# Copyright 2026 xmodal_ros maintainers
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

"""A heartbeat by bond, for lifecycle managers that take down who sends none."""

from __future__ import annotations

from typing import Any, Final

from rclpy.node import Node

# As nav2's own nodes have it, and its manager looks for it.
_TOPIC: Final = 'bond'
_PERIOD_S, _TIMEOUT_S = 0.1, 4.0


class Heartbeat:
    """Tells whoever manages a node that it lives; in the executor's thread.

    Where nobody asks for it within ten seconds, it falls silent by itself.
    """

    def __init__(self, node: Node, bond: Any) -> None:
        self._node, self._bond = node, bond
        bond.heartbeat_period, bond.heartbeat_timeout = _PERIOD_S, _TIMEOUT_S
        bond.start()

    def end(self) -> None:
        """Say that it ends here."""
        bond = self._bond
        bond.shutdown()
        # It has destroyed both without a word to the node, whose executor would fall over them.
        self._node.destroy_subscription(bond.sub)
        self._node.destroy_publisher(bond.pub)


def begin_heartbeat(node: Node) -> Heartbeat | None:
    """Begin to tell that a node lives; None where the package ``bondpy`` is not installed."""
    try:
        from bondpy.bondpy import Bond
    except ImportError:
        return None
    return Heartbeat(node, Bond(node, _TOPIC, node.get_name()))

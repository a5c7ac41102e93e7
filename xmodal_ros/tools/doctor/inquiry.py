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

"""Ask a lifecycle node for its state and parameters, without ever waiting for it."""

from collections.abc import Iterator
from typing import Any, Final

from lifecycle_msgs.srv import GetState
from rcl_interfaces.srv import GetParameters, ListParameters
from rclpy.client import Client
from rclpy.node import Node
from rclpy.parameter import parameter_value_to_python
from rclpy.task import Future

from xmodal_ros.tools.doctor.endpoints import OWN_NAMES
from xmodal_ros.tools.doctor.node_facts import wanted_parameters

_STATE_TYPE: Final = 'lifecycle_msgs/srv/GetState'
_STATE_SERVICE: Final = '/get_state'
# An answer that comes before the node knows of this client is lost.
_ASK_AGAIN_S: Final = 1.0


def lifecycle_nodes(node: Node) -> Iterator[str]:
    """Yield the full names of the nodes that have the services of a lifecycle."""
    for service, types in node.get_service_names_and_types():
        name = service.removesuffix(_STATE_SERVICE)
        if name != service and _STATE_TYPE in types and name.rpartition('/')[2] not in OWN_NAMES:
            yield name


class _Call:
    """One request, sent again until it is answered."""

    def __init__(self, client: Client, request: Any) -> None:
        self._client = client
        self._request = request
        self._sent_at: float | None = None
        self.answer: Any = None

    def step(self, now: float) -> None:
        if self.answer is not None or not self._client.service_is_ready():
            return
        if self._sent_at is None or now - self._sent_at > _ASK_AGAIN_S:
            self._sent_at = now
            self._client.call_async(self._request).add_done_callback(self._done)

    def _done(self, future: Future) -> None:
        if future.exception() is None:
            self.answer = future.result()


class Inquiry:
    """What one node answers; :meth:`step` is called from the executor's thread, often."""

    def __init__(self, node: Node, name: str) -> None:
        self.name = name
        self.names: tuple[str, ...] = ()
        self._node = node
        self._state = _Call(node.create_client(GetState, f'{name}/get_state'), GetState.Request())
        self._list = _Call(
            node.create_client(ListParameters, f'{name}/list_parameters'),
            ListParameters.Request(depth=ListParameters.Request.DEPTH_RECURSIVE),
        )
        self._get: _Call | None = None

    def step(self, now: float) -> None:
        """Send what is to be asked next."""
        self._state.step(now)
        self._list.step(now)
        if self._get is None and self._list.answer is not None:
            self.names = wanted_parameters(self._list.answer.result.names)
            request = GetParameters.Request(names=list(self.names))
            client = self._node.create_client(GetParameters, f'{self.name}/get_parameters')
            self._get = _Call(client, request)
        if self._get is not None:
            self._get.step(now)

    @property
    def state(self) -> str:
        """The state, '' while it has not answered."""
        answer = self._state.answer
        return '' if answer is None else str(answer.current_state.label)

    @property
    def parameters(self) -> dict[str, object]:
        """The values of the parameters that matter, by name."""
        answer = None if self._get is None else self._get.answer
        if answer is None:
            return {}
        pairs = zip(self.names, answer.values, strict=False)
        return {name: _plain(parameter_value_to_python(value)) for name, value in pairs}


def _plain(value: Any) -> object:
    """Turn the arrays of ROS into lists."""
    return value if isinstance(value, str | bool | int | float | None) else list(value)

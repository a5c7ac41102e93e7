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

"""Requests to set parameters are answered whatever they hold; rclpy raises for some of them."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

from rcl_interfaces.msg import Parameter, SetParametersResult
from rcl_interfaces.srv import SetParameters, SetParametersAtomically
from rclpy.node import Node
from rclpy.parameter import Parameter as RosParameter
from rclpy.parameter import parameter_value_to_python

from xmodal_ros.ros.parameters import has_value

_TYPES: Final = frozenset(each.value for each in RosParameter.Type)

Answer = Callable[[Any, Any], Any]


def answer_everything(node: Node) -> None:
    """Let a node refuse in words what would leave a request to set parameters unanswered."""
    answers: dict[Any, Callable[..., Any]] = {
        SetParameters: _set_each,
        SetParametersAtomically: _set_all,
    }
    for service in node.services:
        if service.srv_type in answers:
            service.callback = partial(answers[service.srv_type], node, service.callback)


def _set_each(
    node: Node, answer: Answer, request: SetParameters.Request, response: SetParameters.Response
) -> SetParameters.Response:
    for each in request.parameters:
        one = SetParameters.Request(parameters=[each])
        response.results.append(
            _result(
                node,
                [each],
                lambda one=one: answer(one, SetParameters.Response()).results[0],  # type: ignore[misc]
            )
        )
        if not response.results[-1].successful and _is_so(node, each):
            response.results[-1] = SetParametersResult(successful=True)
    return response


def _set_all(
    node: Node,
    answer: Answer,
    request: SetParametersAtomically.Request,
    response: SetParametersAtomically.Response,
) -> SetParametersAtomically.Response:
    def take(changes: Sequence[Parameter]) -> SetParametersResult:
        asked = SetParametersAtomically.Request(parameters=changes)
        return _result(
            node, changes, lambda: answer(asked, SetParametersAtomically.Response()).result
        )

    response.result = take(request.parameters)
    if not response.result.successful:
        changes = [each for each in request.parameters if not _is_so(node, each)]
        if len(changes) < len(request.parameters):
            response.result = take(changes) if changes else SetParametersResult(successful=True)
    return response


def _is_so(node: Node, change: Parameter) -> bool:
    """Tell whether a parameter that can never be set has that value already.

    What ``ros2 param dump`` has written can be loaded again so, though much is read-only.
    """
    if change.value.type not in _TYPES or not node.has_parameter(change.name):
        return False
    fixed: bool = node.describe_parameter(change.name).read_only
    return fixed and has_value(node, change.name, parameter_value_to_python(change.value))


def _result(
    node: Node, changes: Sequence[Parameter], work: Callable[[], SetParametersResult]
) -> SetParametersResult:
    names = ', '.join(each.name for each in changes)
    for each in changes:
        if each.value.type not in _TYPES:
            return SetParametersResult(
                successful=False,
                reason=f'{each.name} cannot be set: there is no type of number {each.value.type}',
            )
    try:
        return work()
    except Exception as error:  # noqa: BLE001 - whoever asks is answered
        node.get_logger().error(f'unexpected error on setting {names}: {error!r}')
        return SetParametersResult(successful=False, reason=f'{names} cannot be set: {error!r}')

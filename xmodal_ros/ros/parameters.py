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

"""Parameters of nodes: what can be said of one, and how nodes declare and read them."""

from collections.abc import Iterable, Sequence
import difflib

from rcl_interfaces.msg import (
    FloatingPointRange,
    IntegerRange,
    ParameterDescriptor,
    SetParametersResult,
)
from rclpy.exceptions import ParameterException
from rclpy.node import Node
from rclpy.parameter import Parameter as RosParameter

from xmodal_ros.errors import ConfigurationError
from xmodal_ros.parameter import Parameter, Value


def declare(node: Node, table: Sequence[Parameter]) -> None:
    """Declare a node's parameters with description, range and whether they are read-only.

    Raises :class:`ConfigurationError` where a value given is of another type or out of range.
    """
    for parameter in table:
        descriptor = ParameterDescriptor(
            description=parameter.description,
            additional_constraints=f'one of {", ".join(parameter.choices)}'
            if parameter.choices
            else '',
            read_only=parameter.change == 'never',
            dynamic_typing=parameter.or_number,
            floating_point_range=_float_range(parameter),
            integer_range=_integer_range(parameter),
        )
        try:
            default = _given_as(node, parameter.formerly, parameter.default)
            nothing = isinstance(default, list) and _given_nothing(node, parameter)
            if nothing:
                default = _nothing(parameter)
            node.declare_parameter(parameter.name, default, descriptor, ignore_override=nothing)
        except ParameterException as error:
            raise ConfigurationError(
                f'{error}; {parameter.name} is a {type_name(parameter)}, '
                f'for example {parameter.default!r}: {parameter.description}'
            ) from None


def _given_as(node: Node, name: str, default: Value) -> Value:
    """Give what was given under another name, which stays free."""
    if not name:
        return default
    given: Value = node.declare_parameter(name, default).value
    node.undeclare_parameter(name)
    return given


def _given_nothing(node: Node, parameter: Parameter) -> bool:
    """Tell whether a list was given as [], of which ROS makes a parameter without a value."""
    descriptor = ParameterDescriptor(dynamic_typing=parameter.or_number)
    given = node.declare_parameter(parameter.name, parameter.default, descriptor)
    node.undeclare_parameter(parameter.name)
    return bool(given.type_ == RosParameter.Type.NOT_SET)


def _nothing(parameter: Parameter) -> Value:
    if _type_of(parameter.default) == RosParameter.Type.STRING_ARRAY:
        return ['']
    raise ConfigurationError(
        f'{parameter.name} is given as [], of which ROS takes nothing: leave it out, or give, for '
        f'example, {parameter.default!r}: {parameter.description}'
    )


def text(node: Node, name: str) -> str:
    """Read a string parameter."""
    return str(node.get_parameter(name).value)


def number(node: Node, name: str) -> float:
    """Read a floating point parameter."""
    return float(node.get_parameter(name).value)


def whole(node: Node, name: str) -> int:
    """Read an integer parameter."""
    return int(node.get_parameter(name).value)


def flag(node: Node, name: str) -> bool:
    """Read a boolean parameter."""
    return bool(node.get_parameter(name).value)


def texts(node: Node, name: str) -> tuple[str, ...]:
    """Read a list of strings; '' stands for nothing."""
    return tuple(str(item) for item in node.get_parameter(name).value if item)


def given_at_start(node: Node) -> tuple[str, ...]:
    """Give the names of all parameters that a node was given, whether it has them or not."""
    return tuple(node._parameter_overrides)  # noqa: SLF001 - rclpy tells it in no other way


def warn_of_unknown(teller: Node, given: Iterable[str], nodes: Sequence[Node]) -> None:
    """Log which of the parameters ``given`` no node has: ROS ignores what is misspelt."""
    known = {
        name
        for node in nodes
        for name in (
            *node.list_parameters([], 0).names,
            *(each.formerly for each in getattr(node, 'table', ())),
        )
    }
    for name in given:
        # Those of quality of service are declared with their topics, which may come later.
        if name in known or name.startswith('qos_overrides.'):
            continue
        close = difflib.get_close_matches(name, sorted(known), n=1)
        hint = f'; closest is {close[0]!r}' if close else ''
        teller.get_logger().warning(
            f'the parameter {name!r} was given, and nothing here has one of that name{hint}'
        )


def refuse_deletion(
    table: Sequence[Parameter], changes: Sequence[RosParameter]
) -> SetParametersResult:
    """Refuse to let parameters go: ROS lets those of dynamic type, and nodes need theirs."""
    known = {item.name for item in table}
    gone = (each.name for each in changes if each.type_ == RosParameter.Type.NOT_SET)
    names = sorted(name for name in gone if name in known)
    if not names:
        return SetParametersResult(successful=True)
    return SetParametersResult(
        successful=False, reason=f'{", ".join(names)} cannot be deleted: set another value'
    )


def has_value(node: Node, name: str, value: object) -> bool:
    """Tell whether a parameter has that value."""
    now = node.get_parameter(name).value
    # ROS's tools read the text 0 as a number.
    return bool(now == value or str(now) == str(value))


def refuse_while_configured(
    node: Node, table: Sequence[Parameter], changes: Sequence[RosParameter], state: str
) -> SetParametersResult:
    """Decide whether a configured node may take these changes, and say why not."""
    fixed = {item.name for item in table if item.change == 'unconfigured'}
    wanted = sorted(
        change.name
        for change in changes
        if change.name in fixed and not has_value(node, change.name, change.value)
    )
    if state == 'unconfigured' or not wanted:
        return SetParametersResult(successful=True)
    return SetParametersResult(
        successful=False,
        reason=(
            f'{", ".join(wanted)} can be set while the node is unconfigured; it is {state}: '
            'deactivate and clean up first'
        ),
    )


def type_name(parameter: Parameter) -> str:
    """Give a parameter's type in ROS's words."""
    return str(_type_of(parameter.default).name).lower()


def _type_of(value: Value) -> RosParameter.Type:
    return RosParameter.Type.from_parameter_value(value)


def _float_range(parameter: Parameter) -> list[FloatingPointRange]:
    if parameter.bounds is None or not isinstance(parameter.default, float):
        return []
    low, high = parameter.bounds
    return [FloatingPointRange(from_value=float(low), to_value=float(high))]


def _integer_range(parameter: Parameter) -> list[IntegerRange]:
    if parameter.bounds is None or isinstance(parameter.default, float):
        return []
    low, high = parameter.bounds
    return [IntegerRange(from_value=int(low), to_value=int(high))]

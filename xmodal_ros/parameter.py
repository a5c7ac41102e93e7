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

"""A parameter of a node, as it is written down; without ROS."""

from dataclasses import dataclass
from typing import Literal

Value = bool | int | float | str | list[str] | list[float]
Change = Literal['never', 'unconfigured', 'always']


@dataclass(frozen=True)
class Parameter:
    """One parameter; its type is that of ``default``.

    ``change`` says when it may be set: ``never`` after the node has started (read-only), only
    while the node is ``unconfigured``, or ``always``. ``bounds`` are inclusive. A list of strings
    that holds nothing but '' is empty: ROS 2 has no typed empty list. ``or_number`` lets a string
    be given as a number, as the command line takes ``device:=0`` for one, and numbers be whole.
    ``choices`` are the words that it may be, for tools to show; who reads it refuses others.
    ``formerly`` is another name by which it may be given at start.
    """

    name: str
    default: Value
    description: str
    change: Change = 'never'
    bounds: tuple[float, float] | None = None
    or_number: bool = False
    choices: tuple[str, ...] = ()
    formerly: str = ''

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

"""How a check says that something does not hold, and how all of them are run."""

from collections.abc import Callable, Sequence
from typing import TypeVar
from unittest import SkipTest
import warnings

import torch
from torch import Tensor

Part = TypeVar('Part')


def require(condition: bool, message: str) -> None:
    """Raise AssertionError, as tests do, unless something holds."""
    if not condition:
        raise AssertionError(message)


def require_equal(found: Tensor, expected: Tensor, message: str) -> None:
    """Raise AssertionError unless two tensors are equal to the last bit."""
    require(torch.equal(found, expected), message)


def require_close(found: Tensor, expected: Tensor, message: str) -> None:
    """Raise AssertionError unless two tensors are equal but for the order of summation."""
    close = found.shape == expected.shape and torch.allclose(found, expected, atol=1e-5, rtol=1e-4)
    require(close, message)


def run_checks(checks: Sequence[Callable[[Part], None]], part: Part) -> None:
    """Run checks one after another; one that cannot be run here is told as a warning."""
    for check in checks:
        try:
            check(part)
        except SkipTest as reason:
            warnings.warn(f'{check.__name__} was left out: {reason}', stacklevel=3)

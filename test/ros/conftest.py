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

"""What tests of nodes share."""

from collections.abc import Iterator

import pytest
import rclpy

from xmodal_ros.ros.isolation import reserved_domain


@pytest.fixture
def context() -> Iterator[rclpy.Context]:
    """A context of one test, with a graph on which no other has left anything."""
    context = rclpy.Context()
    with reserved_domain() as domain:
        rclpy.init(context=context, domain_id=domain)
        yield context
        context.try_shutdown()

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

"""One small set of simulated bags for all tests that only read it."""

from pathlib import Path

import pytest

from xmodal_ros.simulator.simulate import plan_recordings, simulate


@pytest.fixture(scope='session')
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with the bags of two people, one minute each."""
    folder = tmp_path_factory.mktemp('simulated')
    simulate(folder, plan_recordings(2, 1.0, 0))
    return folder

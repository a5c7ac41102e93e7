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

"""Tests that need what is not installed everywhere, without loading it while tests are collected.

Every process that runs tests collects all of them, and some packages take seconds to load.
"""

from importlib.util import find_spec

import pytest


def need(*packages: str) -> None:
    """Skip a test, or the whole module that says so at its top, where a package is missing."""
    for package in packages:
        if find_spec(package) is None:
            pytest.skip(f'no {package}: pip install {package}', allow_module_level=True)


def lack(package: str) -> None:
    """Skip a test of what happens without a package, where it is installed."""
    if find_spec(package) is not None:
        pytest.skip(f'{package} is installed')

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

"""Replays keep to themselves."""

import os

import pytest

from xmodal_ros.errors import ConfigurationError
from xmodal_ros.ros import isolation


def test_two_runs_never_share_a_domain() -> None:
    with isolation.reserved_domain() as one, isolation.reserved_domain() as other:
        assert one != other
        assert {one, other} <= set(range(1, 102))


def test_all_domains_taken_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with isolation.reserved_domain() as only:
        monkeypatch.setattr(isolation, '_DOMAINS', range(only, only + 1))
        with (
            pytest.raises(ConfigurationError, match='all ROS domains'),
            isolation.reserved_domain(),
        ):
            pass
    with isolation.reserved_domain() as again:
        assert again == only


def test_the_users_settings_are_replaced_in_the_copy_and_restored_here(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv('ROS_DOMAIN_ID', '5')
    monkeypatch.setenv('ROS_STATIC_PEERS', '10.0.0.1')
    monkeypatch.delenv('ROS_AUTOMATIC_DISCOVERY_RANGE', raising=False)
    before = dict(os.environ)
    copy = isolation.isolated(before, 42)
    assert copy['ROS_DOMAIN_ID'] == '42'
    assert copy['ROS_AUTOMATIC_DISCOVERY_RANGE'] == 'LOCALHOST'
    assert 'ROS_STATIC_PEERS' not in copy
    with isolation.isolated_process(42):
        assert dict(os.environ) == copy
    assert dict(os.environ) == before

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

"""ROS domains of their own, so that an evaluation never meets the robot's nodes."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
import os
import random
import socket
from typing import Final

from xmodal_ros.errors import ConfigurationError

# The ports by which ament's test tools reserve domains, so that they and we keep apart.
_FIRST_PORT: Final = 22119
# Above 101, the UDP ports of a domain would lie among those that Linux hands out to anyone.
_DOMAINS: Final = range(1, 102)


@contextmanager
def reserved_domain() -> Iterator[int]:
    """Reserve a ROS domain of this machine for as long as the block runs.

    Raises :class:`ConfigurationError` when all of them are taken.
    """
    for domain in random.sample(_DOMAINS, len(_DOMAINS)):
        with socket.socket() as reservation:
            try:
                reservation.bind(('', _FIRST_PORT + domain))
            except OSError:
                continue
            yield domain
            return
    raise ConfigurationError('all ROS domains of this machine are in use: end another run first')


def _settings(domain: int) -> dict[str, str | None]:
    """What keeps nodes apart; None takes a variable away."""
    return {
        'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST',
        'ROS_DOMAIN_ID': str(domain),
        'ROS_STATIC_PEERS': None,
        'ROS_LOCALHOST_ONLY': None,
    }


def isolated(environment: Mapping[str, str], domain: int) -> dict[str, str]:
    """Give a copy of the environment that keeps nodes in ``domain`` and on this machine."""
    merged = {**environment, **_settings(domain)}
    return {name: value for name, value in merged.items() if value is not None}


@contextmanager
def isolated_process(domain: int) -> Iterator[None]:
    """Keep the ROS contexts that the block creates in this process apart; it is undone after."""
    before = {name: os.environ.get(name) for name in _settings(domain)}
    _set(_settings(domain))
    try:
        yield
    finally:
        _set(before)


def _set(variables: Mapping[str, str | None]) -> None:
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value

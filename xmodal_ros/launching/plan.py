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

"""What a launch file is, and what it starts: data, which ``actions`` makes launch's actions of."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
import os
from typing import Any, Final

from xmodal_ros.launching.arguments import Argument, read_arguments, share

RESPAWN_DELAY_S: Final = 1.0
# What a process is given to end in, on a machine that is busy, before it is told less kindly.
PATIENCE_S: Final = 15.0
Value = bool | int | float | str | Sequence[str] | Sequence[float]
# Jazzy's Fast DDS reads the first only; Kilted's both, and says that the first will go.
_PROFILES: Final = ('FASTRTPS_DEFAULT_PROFILES_FILE', 'FASTDDS_DEFAULT_PROFILES_FILE')


@dataclass(frozen=True)
class Shutdown:
    """That everything ends when a process has ended, or only when it has failed.

    Where it has failed, the launch has failed too.
    """

    reason: str
    on_failure_only: bool = False


@dataclass(frozen=True)
class ProcessSpec:
    """A node of the package to start as a process.

    ``parameters`` win over those of ``params_file``, which is '' where there is none. A string
    stays a string, whatever it looks like: a folder may be called 2024, a subject 05. With
    ``respawn`` it is started again whenever it has ended. ``patience_s`` is what it is given to
    end in. ``environment`` is set for it alone.
    """

    executable: str
    parameters: Mapping[str, Value]
    params_file: str = ''
    namespace: str = ''
    log_level: str = 'info'
    respawn: bool = False
    patience_s: float = PATIENCE_S
    at_exit: Shutdown | None = None
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class IncludeSpec:
    """Another launch file of the package, and its arguments."""

    file: str
    arguments: Mapping[str, str]


@dataclass(frozen=True)
class LaunchPlan:
    """What a launch file starts with the arguments that it was given."""

    processes: Sequence[ProcessSpec] = ()
    includes: Sequence[IncludeSpec] = ()


@dataclass(frozen=True)
class LaunchFile:
    """A launch file: ``launch/<name>.launch.py``.

    ``start`` gives what is started with the values of all ``arguments``, and raises
    :class:`XmodalError` where nothing can be.
    """

    name: str
    arguments: tuple[Argument, ...]
    start: Callable[[Mapping[str, str]], LaunchPlan]

    def plan(self, given: Mapping[str, str]) -> LaunchPlan:
        """Give what is started with these arguments, the others being the defaults.

        Raises :class:`XmodalError` where nothing can be.
        """
        return self.start(read_arguments(self.arguments, given))


def process(
    executable: str, values: Mapping[str, str], parameters: Mapping[str, Value], **more: Any
) -> ProcessSpec:
    """Describe a process; ``values`` are what the arguments are."""
    return ProcessSpec(
        executable,
        parameters,
        namespace=values['namespace'],
        log_level=values['log_level'],
        **more,
    )


def ending_all(executable: str) -> Shutdown:
    """End everything with a process: a player at the end of its bag, others by mistake."""
    return Shutdown(f'{executable} has ended')


def large_messages() -> dict[str, str]:
    """Make shared memory large enough for images, unless the user has set up Fast DDS.

    Of processes that publish them: others would take 64 MB for what they never send.
    """
    if any(name in os.environ for name in _PROFILES):
        return {}
    return dict.fromkeys(_PROFILES, str(share('config', 'fastdds.xml')))

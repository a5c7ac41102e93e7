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

"""How recordings are read, apart from what is learnt from them."""

from dataclasses import dataclass
import os
from pathlib import Path

from xmodal_ros.errors import ConfigurationError
from xmodal_ros.machine import usable_cores
from xmodal_ros.paths import user_path


@dataclass(frozen=True)
class DataOptions:
    """Where windows are kept, how many processes cut them, and what a broken recording means.

    Without a ``cache`` folder windows are kept in memory for this run alone. ``jobs`` of None are
    as many as there are CPUs. ``strict`` lets the first recording that cannot be used end the
    run, rather than being left out and told. With ``merge_labels`` names of activities that
    differ only in how they are written are one.
    """

    cache: Path | None = None
    jobs: int | None = None
    strict: bool = False
    merge_labels: bool = False

    def __post_init__(self) -> None:
        if self.jobs is not None and self.jobs < 1:
            raise ConfigurationError(f'--jobs {self.jobs}: at least one process has to work')

    @property
    def processes(self) -> int:
        """How many processes cut windows at a time."""
        return self.jobs or usable_cores()


def default_cache() -> Path:
    """Give the folder where windows are kept unless the user names another.

    That is ``xmodal_ros`` in ``$XDG_CACHE_HOME``, or in ``~/.cache``.
    """
    return user_path(os.environ.get('XDG_CACHE_HOME') or '~/.cache') / 'xmodal_ros'

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

"""Write a command's result as JSON for scripts to read."""

from collections.abc import Mapping
import json
from pathlib import Path

from xmodal_ros.files import write_atomic


def write_result(path: Path | None, result: Mapping[str, object]) -> None:
    """Write ``result`` to ``path`` whole or not at all; None means that nobody asked for it.

    Raises :class:`ConfigurationError` when the file cannot be written.
    """
    if path is not None:
        write_atomic(path, json.dumps(result, indent=2, allow_nan=False) + '\n')

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

"""Which of the paths given to ``xmodal evaluate`` are bundles, and which recordings."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from xmodal_ros.bags.opening import find_recordings, is_recording
from xmodal_ros.errors import UsageError
from xmodal_ros.models.configuration_bundle import is_bundle
from xmodal_ros.paths import names_apart


def sort_paths(paths: Sequence[Path]) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
    """Give bundles and recordings, each once, in order.

    A folder with a ``bundle.json`` is a bundle, a folder of such folders stands for all of them;
    anything else is a recording or a folder of recordings. Where nothing is a bundle, the first
    path is taken for one unless it is a recording: loading it says best what is wrong. Raises
    :class:`ConfigurationError` when there is no bundle or no recording.
    """
    bundles: dict[Path, Path] = {}
    rest: list[Path] = []
    for path in paths:
        found = _bundles_at(path)
        bundles.update({each.resolve(): each for each in found})
        if not found or _holds_recordings(path):
            rest.append(path)
    if not bundles:
        if is_recording(rest[0]) or _holds_recordings(rest[0]):
            raise UsageError(
                'no bundle is named: give one or more, folders with a bundle.json that training '
                'wrote'
            )
        bundles, rest = {rest[0]: rest[0]}, rest[1:]
    if not rest:
        raise UsageError(
            'no recording is named: give one or more after the bundle, or a folder of them'
        )
    return tuple(bundles.values()), find_recordings(rest)


def name_bundles(bundles: Sequence[Path]) -> tuple[str, ...]:
    """Name bundles by their folders, with as much of the path as tells them apart."""
    return names_apart([path.resolve() for path in bundles])


def _bundles_at(path: Path) -> list[Path]:
    if is_bundle(path):
        return [path]
    with suppress(OSError):
        if path.is_dir() and not is_recording(path):
            return [each for each in sorted(path.iterdir()) if is_bundle(each)]
    return []


def _holds_recordings(path: Path) -> bool:
    with suppress(OSError):
        return not is_bundle(path) and any(map(is_recording, path.iterdir()))
    return False

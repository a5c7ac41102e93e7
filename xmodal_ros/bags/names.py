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

"""What recordings are called: as their folder or only file is, and apart from one another."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from xmodal_ros.bags.opening import file_stem, storage_paths
from xmodal_ros.errors import BagError
from xmodal_ros.paths import as_called, names_apart


def name_of(path: Path) -> str:
    """Name a recording after its folder or its only file, which is at ``path``."""
    # As it is called: what links lead to may be named by its content, as in git-annex.
    path = as_called(path)
    return file_stem(path) if path.is_file() else path.name


def names_of(paths: Sequence[Path]) -> dict[Path, str]:
    """Name recordings; several of one name by as much of their paths as tells them apart."""
    places = {path: as_called(_place_of(path)) for path in paths}
    names = {path: name_of(place) for path, place in places.items()}
    for name, count in Counter(names.values()).items():
        if count > 1:
            alike = [path for path in places if names[path] == name]
            apart = names_apart([places[path] for path in alike], least=2)
            names.update(zip(alike, apart, strict=True))
    return names


def _place_of(path: Path) -> Path:
    try:
        paths = storage_paths(path)
    except BagError:
        # Which is told when it is opened.
        return path
    return paths[0] if len(paths) == 1 else path

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

"""Paths as people write them: whatever they wrote, asking about one raises nothing."""

from collections.abc import Sequence
from pathlib import Path


def user_path(name: str) -> Path:
    """Give the path that ``name`` says, ``~`` being somebody's home where he is known here."""
    try:
        return Path(name).expanduser()
    except RuntimeError:
        # Nobody of that name: there will be nothing at this path, which then is said of it.
        return Path(name)


def is_folder(path: Path) -> bool:
    """Tell whether a folder that can be looked into is there."""
    try:
        return path.is_dir()
    except OSError:
        # Of a name too long, or in a folder that may not be entered.
        return False


def is_there(path: Path) -> bool:
    """Tell whether there is anything at a path that can be seen."""
    try:
        return path.exists()
    except OSError:
        return False


def as_called(path: Path) -> Path:
    """Give an absolute path that ends as somebody wrote it, where it is a link too."""
    parts = path.parts
    if '..' not in parts:
        return path.absolute()
    # Above a linked folder is not what the link lies in: up to there they are followed.
    after = len(parts) - parts[::-1].index('..')
    return Path(*parts[:after]).resolve().joinpath(*parts[after:])


def names_apart(paths: Sequence[Path], least: int = 1) -> tuple[str, ...]:
    """Name paths by as many of their last parts as tell them apart, ``least`` or more."""
    parts = [path.parts for path in paths]
    most = max(map(len, parts), default=0)
    names = tuple(str(Path(*each[-least:])) for each in parts)
    if len(set(names)) == len(names) or least >= most:
        return names
    return names_apart(paths, least + 1)

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

"""The pages' files, and all scripts of a page as one, for a page that refers to no other file."""

from importlib import resources
import posixpath
import re
from typing import Final

_ROOT: Final = resources.files('xmodal_ros.web')
_IMPORT: Final = re.compile(r"^import \{[^}]*\} from '(\.[^']+)';\n", re.MULTILINE)
_NAMES: Final = re.compile(r'^(?:async )?(?:const|let|class|function) (\w+)', re.MULTILINE)


def read_page_file(name: str) -> str:
    """Give a file of the pages as text."""
    return _ROOT.joinpath(*name.split('/')).read_text('utf-8')


def page_files(*folders: str) -> list[str]:
    """Name the scripts and style sheets in these folders; '' holds what all pages share."""
    return [
        posixpath.join(folder, item.name)
        for folder in folders
        for item in _ROOT.joinpath(folder).iterdir()
        if item.name.endswith(('.js', '.css'))
    ]


def one_script(name: str) -> str:
    """Give a module with all that it imports, those before it that it needs, as one.

    Raises :class:`ValueError` where two of them give a name to different things.
    """
    parts: dict[str, str] = {}
    _collect(name, parts)
    script = '\n'.join(parts.values())
    names = _NAMES.findall(script)
    twice = {each for each in names if names.count(each) > 1}
    if twice:
        raise ValueError(f'the scripts of {name} define {", ".join(sorted(twice))} more than once')
    return script


def _collect(name: str, parts: dict[str, str]) -> None:
    text = read_page_file(name)
    for other in _IMPORT.findall(text):
        path = posixpath.normpath(posixpath.join(posixpath.dirname(name), other))
        if path not in parts:
            _collect(path, parts)
    parts[name] = re.sub(r'^export ', '', _IMPORT.sub('', text), flags=re.MULTILINE)

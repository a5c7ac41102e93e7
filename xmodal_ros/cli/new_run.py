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

"""What ``xmodal new`` writes."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
import keyword
from pathlib import Path
import re
import shlex
from typing import Final, Literal

import jinja2
from rich.console import Console
from rich.markup import escape

from xmodal_ros import registry
from xmodal_ros.errors import ConfigurationError, UsageError
from xmodal_ros.files import Replacement

Kind = Literal['method', 'modality', 'encoder']

_INSTALL: Final = 'pip install --no-build-isolation -e .'
_TEMPLATES: Final = resources.files('xmodal_ros.cli') / 'skeletons'


@dataclass(frozen=True)
class _Skeleton:
    """What belongs to a package of one kind: its entry points, and files beside those of all."""

    entries: tuple[tuple[str, str], ...]
    modules: Mapping[str, str]
    page: str
    recordings: str
    use: str


_SKELETONS: Final[Mapping[Kind, _Skeleton]] = {
    'method': _Skeleton(
        entries=((registry.METHODS, '{name}:{class_name}'),),
        modules={'{name}.py': 'module.py'},
        page='docs/methods/adding_a_method.md',
        recordings='xmodal simulate recordings --subjects 4',
        use='xmodal train recordings --target imu_wrist --source camera --method {name} '
        '--test-subjects subject_01 --out models/imu_wrist',
    ),
    'modality': _Skeleton(
        entries=(
            (registry.MODALITIES, 'modality:{class_name}'),
            (registry.LANES, 'lane:{class_name}Lane'),
        ),
        modules={'modality.py': 'modality.py', 'lane.py': 'lane.py'},
        page='docs/adding_a_modality.md',
        recordings='xmodal record recordings/anna_1 --topic {name}=/{name} --subject anna'
        '      # and of other people',
        use='xmodal train recordings --target {name} --test-subjects anna --out models/{name}',
    ),
    'encoder': _Skeleton(
        entries=((registry.ENCODERS, 'configuration_{name}:{class_name}Config'),),
        modules={
            'configuration_{name}.py': 'configuration.py',
            'modeling_{name}.py': 'modeling.py',
        },
        page='docs/adding_an_encoder.md',
        recordings='xmodal simulate recordings --subjects 4',
        use='xmodal train recordings --target imu_wrist --encoder imu={name} '
        '--test-subjects subject_01 --out models/imu_wrist',
    ),
}
_GROUPS: Final[Mapping[Kind, str]] = {
    'method': registry.METHODS,
    'modality': registry.MODALITIES,
    'encoder': registry.ENCODERS,
}


def run(kind: Kind, name: str, out: Path | None) -> Path:
    """Write a package, whole or not at all, and say what to do next; gives its folder.

    Raises :class:`ConfigurationError` for a name that cannot be, or is taken.
    """
    _check_name(kind, name)
    folder = out or Path(f'xmodal_{name}')
    if folder.exists():
        raise ConfigurationError(f'{folder} exists already: name another folder with --out')
    try:
        with Replacement(folder.resolve(), make_folder=True) as replacement:
            for file, text in _files(kind, name).items():
                place = replacement.new / file
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_text(text, encoding='utf-8')
            replacement.commit()
    except OSError as error:
        raise ConfigurationError(f'cannot write {folder}: {error}') from error
    Console(stderr=True).print(
        f'written: {escape(str(folder))}. Install it there, then test it: cd '
        f'{escape(shlex.quote(str(folder)))} && {_INSTALL} && pytest',
        soft_wrap=True,
        highlight=False,
    )
    return folder


def _check_name(kind: Kind, name: str) -> None:
    if keyword.iskeyword(name):
        raise UsageError(f'{name!r} can be no name here: it is a word of Python')
    if not re.fullmatch('[a-z][a-z0-9_]*', name):
        raise UsageError(
            f'{name!r} can be no name here: use lower-case letters, digits and underscores, a '
            'letter first'
        )
    if name in registry.names(_GROUPS[kind]):
        raise UsageError(f'there is a {kind} called {name!r} already: choose another name')


def _files(kind: Kind, name: str) -> dict[str, str]:
    """Give the content of each file by its path in the package."""
    skeleton, package = _SKELETONS[kind], f'xmodal_{name}'
    words = {
        'kind': kind,
        'name': name,
        'package': package,
        'class_name': ''.join(part.capitalize() for part in name.split('_')),
        'title': name.replace('_', ' ').capitalize(),
        'words': name.replace('_', ' '),
        'page': skeleton.page,
        'group': _GROUPS[kind],
        'install': _INSTALL,
    }
    entries = [(group, place.format(**words)) for group, place in skeleton.entries]
    words_of_all = {
        **words,
        'entries': entries,
        'recordings': skeleton.recordings.format(**words),
        'use': skeleton.use.format(**words),
    }
    templates = {
        'package.xml': 'any/package.xml',
        'setup.py': 'any/setup.py',
        'README.md': 'any/README.md',
        f'resource/{package}': 'any/resource',
        f'{package}/__init__.py': 'any/init.py',
        'test/conftest.py': 'any/conftest.py',
        f'test/test_{name}.py': f'{kind}/test.py',
        **{
            f'{package}/{file.format(**words)}': f'{kind}/{template}'
            for file, template in skeleton.modules.items()
        },
    }
    return {file: _render(template, words_of_all) for file, template in templates.items()}


def _render(template: str, words: Mapping[str, object]) -> str:
    text = _TEMPLATES.joinpath(*f'{template}.j2'.split('/')).read_text('utf-8')
    # Code, not pages: nothing is to be escaped.
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701
    )
    return environment.from_string(text).render(words)

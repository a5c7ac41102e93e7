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

"""By which code a run was made: what is kept with its result, and compared when it goes on."""

import ast
from collections.abc import Iterator, Mapping
from functools import cache
import hashlib
from importlib.util import resolve_name
import inspect
from pathlib import Path
import sys

from xmodal_ros import registry
from xmodal_ros.configuration.recipe import Recipe
from xmodal_ros.methods.method import method_class
from xmodal_ros.modalities.registry import find_modality
from xmodal_ros.models.configuration_encoder import encoder_class
from xmodal_ros.studies.runs import Run
from xmodal_ros.training.window_statistics import StatisticsBaseline


def code_of(run: Run, recipes: Mapping[str, Recipe]) -> dict[str, str]:
    """Give the code that this process makes a run by: the version and a hash by what it is of.

    That is the row's method, or those that it chooses among, and the encoders of its sensors, of
    whatever package, with the weights that these begin with, and modalities of other packages; all
    else is known by the version of this package, which identifies a run.
    """
    code: dict[str, str] = {}
    sensors = sorted((run.group.target, *run.group.sources))
    for modality in sorted({recipes[name].stream.modality for name in sensors}):
        if others := registry.other_code(type(find_modality(modality))):
            code[f'modality {modality}'] = others[:12]
    for row in (run.row, *run.row.choose):
        if row.statistics is not None:
            code['statistics'] = _hash(StatisticsBaseline)
        if row.method is not None:
            found = method_class(row.method)
            code[f'method {row.method}'] = _described(registry.METHODS, row.method, found)
            for spec in (recipes[name].encoder for name in sensors):
                encoder = encoder_class(spec.kind)
                code[f'encoder {spec.kind}'] = _described(registry.ENCODERS, spec.kind, encoder)
                if pretrained := getattr(spec, 'pretrained', ''):
                    code[f'weights of {spec.kind}'] = pretrained[:12]
    return code


def _described(group: str, name: str, found: type) -> str:
    package = registry.entries(group)[name].dist
    return f'{package.name} {package.version} {_hash(found)}' if package else _hash(found)


# Once a process: what it has imported it goes on to use, whatever becomes of the file.
@cache
def _hash(found: type) -> str:
    """Hash the source file of a class, and those beside it that this one imports."""
    source = inspect.getsourcefile(found)
    if source is None:
        return 'without source'
    digest = hashlib.sha256()
    for file in sorted(_with_imported(Path(source), sys.modules[found.__module__].__package__)):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def _with_imported(file: Path, package: str | None) -> set[Path]:
    found: set[Path] = set()
    waiting = {file}
    while waiting:
        file = waiting.pop()
        found.add(file)
        if package:
            waiting |= {each for each in _imported(file, package) if each not in found}
    return found


def _imported(file: Path, package: str) -> Iterator[Path]:
    """Give the modules of a package that a file of it imports, in functions too."""
    for node in ast.walk(ast.parse(file.read_bytes())):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [each.name for each in node.names]
        elif isinstance(node, ast.ImportFrom):
            origin = resolve_name('.' * node.level + (node.module or ''), package)
            names = [origin, *(f'{origin}.{each.name}' for each in node.names)]
        for name in names:
            beside = file.with_name(f'{name.removeprefix(package + ".")}.py')
            if name.startswith(f'{package}.') and beside.is_file():
                yield beside

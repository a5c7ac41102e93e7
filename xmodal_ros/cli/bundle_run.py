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

"""What ``xmodal bundle`` does, apart from its options."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
import sys
from typing import Any, Final

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text
import typer

from xmodal_ros.cli.bundle_page import inspect_bundle
from xmodal_ros.cli.result import write_result
from xmodal_ros.errors import XmodalError
from xmodal_ros.files import check_writable
from xmodal_ros.models.bundle import load_bundle
from xmodal_ros.models.configuration_bundle import check_bundle
from xmodal_ros.models.description import describe_model
from xmodal_ros.models.migration import migrate_bundle
from xmodal_ros.models.onnx_model import ONNX_FILE
from xmodal_ros.models.signature import sign_bundle, verify_signature
from xmodal_ros.runtime.devices import make_deterministic

_WIDTH_OF_A_FILE: Final = 200
_LONGEST_VALUE: Final = 300
_NOTHING: Final = '–'


def show(bundles: Sequence[Path], json: Path | None) -> None:
    """Print the page of each; raises :class:`BundleError`."""
    check_writable(json)
    console = _console()
    found = []
    for path in bundles:
        page, document = inspect_bundle(path)
        console.print(page)
        found.append(document)
    write_result(json, {'bundles': found})


@dataclass(frozen=True)
class UnequalValue:
    """One thing that is not the same in two bundles."""

    name: str
    first: Any
    second: Any


def compare(first: Path, second: Path, json: Path | None) -> None:
    """Print in what two differ, and exit with 1 where they do; raises :class:`BundleError`."""
    check_writable(json)
    differences = list(differences_of(_facts(first), _facts(second)))
    console = _console()
    if differences:
        table = Table(box=SIMPLE_HEAD, pad_edge=False)
        table.add_column('', overflow='fold')
        for path in (first, second):
            table.add_column(Text(str(path)), overflow='fold')
        for each in differences:
            table.add_row(Text(each.name), _words(each.first), _words(each.second))
        console.print(table)
    else:
        console.print('both are alike')
    write_result(json, {'differences': [vars(each) for each in differences]})
    if differences:
        raise typer.Exit(1)


def differences_of(
    first: Mapping[str, Any], second: Mapping[str, Any], prefix: str = ''
) -> Iterator[UnequalValue]:
    """Yield what differs, by the names of keys; of lists as a whole."""
    for key in dict.fromkeys((*first, *second)):
        own, other = first.get(key), second.get(key)
        if isinstance(own, Mapping) and isinstance(other, Mapping):
            yield from differences_of(own, other, f'{prefix}{key}.')
        elif own != other:
            yield UnequalValue(f'{prefix}{key}', own, other)


def verify(bundles: Sequence[Path], json: Path | None, signed_by: Path | None) -> None:
    """Load each and say whether it is whole, and signed as asked; exits with 1 where not."""
    check_writable(json)
    make_deterministic()
    console = _console()
    results = []
    for path in bundles:
        problem = _problem(path, signed_by)
        results.append({'path': str(path), 'whole': not problem, 'problem': problem})
        words = f'[bold red]not whole[/]: {escape(problem)}' if problem else '[green]whole[/]'
        console.print(f'{escape(str(path))}: {words}', soft_wrap=True, highlight=False)
    write_result(json, {'bundles': results})
    if any(not each['whole'] for each in results):
        raise typer.Exit(1)


def sign(bundles: Sequence[Path], key: Path) -> None:
    """Sign each and say so; raises :class:`BundleError`."""
    for path in bundles:
        sign_bundle(path, key)
        Console(stderr=True).print(escape(f'signed: {path}'), soft_wrap=True, highlight=False)


def migrate(source: Path, out: Path | None) -> None:
    """Migrate a bundle and say so; raises :class:`BundleError`."""
    written = migrate_bundle(source, out or source)
    words = f'written: {out or source}' if written else f"{source} is of today's format already"
    Console(stderr=True).print(escape(words), soft_wrap=True, highlight=False)


def _problem(path: Path, signed_by: Path | None) -> str:
    try:
        if signed_by is not None:
            verify_signature(path, signed_by)
        load_bundle(path)
        if (path / ONNX_FILE).is_file():
            from xmodal_ros.models.onnx_model import load_onnx

            load_onnx(path)
    except XmodalError as error:
        return str(error)
    return ''


def _facts(path: Path) -> dict[str, Any]:
    info = check_bundle(path)
    model = describe_model(info)
    facts: dict[str, Any] = info.model_dump(mode='json')
    # Last, for it is long.
    provenance = facts.pop('provenance')
    return {**facts, 'parameters': model.parameters, 'macs': model.macs, 'provenance': provenance}


def _words(value: Any) -> Text:
    if value is None:
        return Text(_NOTHING, style='dim')
    if isinstance(value, list):
        value = ', '.join(map(str, value))
    words = str(value)
    return Text(words if len(words) <= _LONGEST_VALUE else f'{words[:_LONGEST_VALUE]}…')


def _console() -> Console:
    # Where nobody sets the width of a page, lines stay whole for grep.
    return Console(width=None if sys.stdout.isatty() else _WIDTH_OF_A_FILE)

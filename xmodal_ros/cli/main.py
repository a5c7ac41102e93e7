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

"""The ``xmodal`` command: it finds the commands and turns errors into words."""

import ast
from collections import UserDict
import importlib
from importlib import resources
import inspect
import os
import sys
from typing import Any, Final

from rich.console import Console
from rich.markup import escape
import typer
import typer.core

from xmodal_ros import __version__
from xmodal_ros.cli.plain_help import name_plainly, write_plainly
from xmodal_ros.cli.stopping import exit_code, listen, stop_listening, STOPPED
from xmodal_ros.errors import UsageError, XmodalError

# Each is a module of this package with a function or a typer app of the same name.
_COMMANDS: Final = (
    'simulate', 'import', 'record', 'pose', 'inspect', 'label', 'dataset', 'train', 'evaluate',
    'study', 'export', 'bundle', 'doctor', 'watch', 'benchmark', 'new', 'demo',
)  # fmt: skip


_WRONG_USE: Final = 2
EXIT_CODES: Final = (
    'Exit codes: 0 done; 1 it failed, or found what it looks for, with words on stderr; 2 wrong '
    'use; 130 stopped by Ctrl-C; 143 ended from outside.'
)


class _OnDemand(UserDict[str, Any]):
    """Commands by name; each is imported when it is asked for, for all take half a second."""

    def __getitem__(self, name: str) -> Any:
        if self.data[name] is None:
            self.data[name] = _load(name)
        return self.data[name]


def _load(name: str) -> Any:
    module = importlib.import_module(f'xmodal_ros.cli.{_file_of(name)}')
    if hasattr(module, 'app'):
        command = typer.main.get_command(module.app)
        command.name = name
        return write_plainly(command)
    function = getattr(module, name)
    alone = typer.Typer(add_completion=False)
    command_class = getattr(module, 'COMMAND_CLASS', None)
    alone.command(name, cls=command_class, help=_flowing(function.__doc__))(function)
    return write_plainly(typer.main.get_command(alone))


def _file_of(name: str) -> str:
    return f'{name}{"_" if name == "import" else ""}'


def _listed(name: str) -> Any:
    """Give a command for a list of all: its name and what its docstring says, not imported."""
    file = resources.files('xmodal_ros.cli') / f'{_file_of(name)}.py'
    tree = ast.parse(file.read_text('utf-8'))
    words = next(
        ast.get_docstring(each) or ''
        for each in tree.body
        if isinstance(each, ast.FunctionDef) and each.name == _file_of(name)
    )
    return typer.core.TyperCommand(name, help=_flowing(words))


class _Commands(typer.core.TyperGroup):
    """The commands; one that is interrupted and has not said so itself is spoken for here."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = _OnDemand(dict.fromkeys(_COMMANDS))
        self._lists = False

    def get_params(self, ctx: Any) -> list[Any]:
        """Give the options, among them the library's own."""
        params: list[Any] = super().get_params(ctx)
        name_plainly(params)
        return params

    def list_commands(self, _ctx: Any) -> list[str]:
        """Name all, and load none."""
        return list(_COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Give a command; where all are listed, no more than a list shows."""
        if self._lists and cmd_name in _COMMANDS:
            return _listed(cmd_name)
        return super().get_command(ctx, cmd_name)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """List all."""
        self._lists = True
        try:
            super().format_help(ctx, formatter)
        finally:
            self._lists = False

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:
        """List those that a shell asks for."""
        self._lists = True
        try:
            return super().shell_complete(ctx, incomplete)
        finally:
            self._lists = False

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except STOPPED as stop:
            stop_listening()
            Console(stderr=True).print('stopped: nothing half-written is left behind')
            raise typer.Exit(exit_code(stop)) from None


app = typer.Typer(
    name='xmodal',
    cls=_Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    epilog=EXIT_CODES,
)


@app.callback(invoke_without_command=True)
def xmodal(
    version: bool = typer.Option(False, '--version', help='Print the version and exit.'),
) -> None:
    """Activity recognition for ROS 2: record, train across sensors, deploy, evaluate."""
    if version:
        typer.echo(__version__)
        raise typer.Exit


def _flowing(text: str) -> str:
    """Join the lines of each paragraph: a terminal breaks them where it is wide."""
    paragraphs = inspect.cleandoc(text).split('\n\n')
    return '\n\n'.join(' '.join(each.split()) for each in paragraphs)


def main() -> None:
    """Run the command line; errors meant for people go to stderr, with exit code 1 or 2."""
    # Before anything loads torch: its threads would otherwise wait for each other by spinning,
    # which on a busy machine makes training a hundred times slower.
    os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')
    listen()
    try:
        app()
    except XmodalError as error:
        console = Console(stderr=True)
        console.print(f'[bold red]error:[/] {escape(str(error))}', soft_wrap=True)
        sys.exit(_WRONG_USE if isinstance(error, UsageError) else 1)
    finally:
        stop_listening()


if __name__ == '__main__':
    main()

"""The ``xmodal`` command: it registers the commands and turns errors into words."""

import importlib
import sys
from typing import Final

from rich.console import Console
from rich.markup import escape
import typer

from xmodal_ros import __version__
from xmodal_ros.errors import XmodalError

# Each is a module of this package with a function or a typer app of the same name.
_COMMANDS: Final = ('simulate', 'import', 'inspect', 'train', 'evaluate', 'demo')

app = typer.Typer(
    name='xmodal',
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback(invoke_without_command=True)
def xmodal(
    version: bool = typer.Option(False, '--version', help='Print the version and exit.'),
) -> None:
    """Activity recognition for ROS 2: record, train across sensors, deploy, evaluate."""
    if version:
        typer.echo(__version__)
        raise typer.Exit


def _register() -> None:
    for name in _COMMANDS:
        module = importlib.import_module(f'xmodal_ros.cli.{name}{"_" if name == "import" else ""}')
        if name == 'import':
            app.add_typer(module.app, name=name)
        else:
            command_class = getattr(module, 'COMMAND_CLASS', None)
            app.command(name, cls=command_class)(getattr(module, name))


_register()


def main() -> None:
    """Run the command line; errors meant for people go to stderr, with exit code 1."""
    console = Console(stderr=True)
    try:
        app()
    except XmodalError as error:
        console.print(f'[bold red]error:[/] {escape(str(error))}', soft_wrap=True)
        sys.exit(1)
    except KeyboardInterrupt:
        console.print('stopped: nothing half-written is left behind')
        sys.exit(130)


if __name__ == '__main__':
    main()

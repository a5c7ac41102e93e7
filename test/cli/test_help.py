"""What --help says of commands and options is shown whole."""

from collections.abc import Iterator

from rich.text import Text
import typer

from xmodal_ros.cli.main import app


def helps(command: object, name: str = 'xmodal') -> Iterator[tuple[str, str]]:
    """Give what is said of a command, its parameters and the commands below it."""
    yield name, getattr(command, 'help', None) or ''
    for param in getattr(command, 'params', ()):
        yield f'{name} {param.name}', getattr(param, 'help', None) or ''
    for below, each in getattr(command, 'commands', {}).items():
        yield from helps(each, f'{name} {below}')


def test_no_words_are_lost_as_markup():
    told = dict(helps(typer.main.get_command(app)))
    assert 'Default: 0.5.' in told['xmodal dataset hop']
    # In square brackets they would be taken for a style, and not be shown.
    assert [name for name, text in told.items() if Text.from_markup(text).plain != text] == []

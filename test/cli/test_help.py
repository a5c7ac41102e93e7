"""What --help says of commands and options is shown whole."""

from collections.abc import Iterator
from typing import Any

from rich.text import Text
import typer
from typer.testing import CliRunner

from xmodal_ros.cli.main import app


def helps(command: object, name: str = 'xmodal') -> Iterator[tuple[str, str]]:
    """Give what is said of a command, its parameters and the commands below it."""
    yield name, getattr(command, 'help', None) or ''
    for param in getattr(command, 'params', ()):
        yield f'{name} {param.name}', getattr(param, 'help', None) or ''
    for below, each in getattr(command, 'commands', {}).items():
        yield from helps(each, f'{name} {below}')


def commands(command: Any, *words: str) -> Iterator[tuple[list[str], Any]]:
    """Give the commands that do something, each with the words that start it."""
    below = getattr(command, 'commands', {})
    if not below:
        yield [*words], command
    for name, each in below.items():
        yield from commands(each, *words, name)


def needs(command: Any) -> bool:
    return any(param.required for param in command.params)


def test_no_words_are_lost_as_markup():
    told = dict(helps(typer.main.get_command(app)))
    assert 'Default: 0.5.' in told['xmodal dataset hop']
    # In square brackets they would be taken for a style, and not be shown.
    assert [name for name, text in told.items() if Text.from_markup(text).plain != text] == []


def test_what_a_command_needs_is_named_where_nothing_is_given():
    needy = [words for words, command in commands(typer.main.get_command(app)) if needs(command)]
    assert {'export', 'inspect', 'simulate'} <= {words[0] for words in needy}
    for words in needy:
        told = CliRunner().invoke(app, words)
        assert told.exit_code == 2, words
        assert 'Missing' in told.stderr, words

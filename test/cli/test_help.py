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

"""What --help says of commands and options is shown whole."""

from collections.abc import Iterator
import re
import shlex
from typing import Annotated, Any

import pytest
from rich.text import Text
import typer
from typer.testing import CliRunner

from xmodal_ros.cli.main import app
from xmodal_ros.cli.plain_help import write_plainly
from xmodal_ros.methods.method import method_names


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


def test_every_command_gives_an_example_that_it_understands():
    for words, command in commands(typer.main.get_command(app)):
        (example,) = re.findall(r'Example: xmodal (.*)', ' '.join(command.help.split()))
        given = shlex.split(example)
        assert given[: len(words)] == words
        command.make_context('xmodal', given[len(words) :])


def test_what_may_be_typed_is_shown_as_people_write_it():
    leaves = [words for words, _ in commands(typer.main.get_command(app))]
    for words in [*leaves, [], ['bundle'], ['import'], ['new']]:
        told = CliRunner().invoke(app, [*words, '--help'], env={'COLUMNS': '200'})
        assert told.exit_code == 0, words
        # A flag is not shown as if it took a value, nor anything by what it is in Python.
        assert not re.search(r'<bool>|list\[| range>', told.output), words


def test_a_usage_line_names_what_is_needed_and_in_brackets_what_is_not():
    for words, command in commands(typer.main.get_command(app)):
        told = CliRunner().invoke(app, [*words, '--help'], env={'COLUMNS': '200'})
        (usage,) = re.findall('Usage: xmodal (.*)', told.output)
        arguments = [each for each in command.params if each.param_type_name == 'argument']
        names = [each.metavar if each.required else f'[{each.metavar}]' for each in arguments]
        assert usage.split() == ' '.join([*words, '[OPTIONS]', *names]).split()


def test_a_usage_line_is_right_whatever_the_library_makes_of_an_argument():
    alone = typer.Typer(add_completion=False)

    @alone.command()
    def show(_bags: Annotated[list[str] | None, typer.Argument(metavar='BAG...')] = None) -> None:
        """Show."""

    command: Any = typer.main.get_command(alone)
    (bags,) = command.params
    # So the oldest version that is allowed writes what need not be given.
    bags.get_usage_pieces = lambda _ctx: ['BAG...']
    pieces = write_plainly(command).collect_usage_pieces(typer.Context(command))
    assert pieces == ['[OPTIONS]', '[BAG...]']


def test_names_of_methods_are_whole_where_a_terminal_has_80_columns():
    told = CliRunner().invoke(app, ['train', '--help'], env={'COLUMNS': '80'}).output
    assert all(name in told for name in method_names())
    assert '--no-resume turns off' in ' '.join(told.replace('│', ' ').split())
    off = CliRunner().invoke(app, ['train', '--no-resume', '--print-config'])
    assert 'resume: false' in off.output


def test_the_list_of_commands_says_what_each_says_of_itself():
    group: Any = typer.main.get_command(app)
    context = group.make_context('xmodal', [], resilient_parsing=True)
    group._lists = True
    listed = {
        name: group.get_command(context, name).get_short_help_str() for name in group.commands
    }
    group._lists = False
    for name in group.list_commands(context):
        assert group.get_command(context, name).get_short_help_str() == listed[name], name


@pytest.mark.parametrize('shell', ['bash', 'zsh', 'fish'])
def test_verbs_and_options_are_completed(shell: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for words, wanted in (('xmodal ev', 'evaluate'), ('xmodal bundle comp', 'compare')):
        answer = complete(shell, words, monkeypatch)
        assert wanted in answer
        assert 'simulate' not in answer
    assert '--robustness' in complete(shell, 'xmodal evaluate --rob', monkeypatch)


def complete(shell: str, words: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Ask as the script does that a shell is given."""
    monkeypatch.setenv('COMP_WORDS', words)
    monkeypatch.setenv('COMP_CWORD', str(len(words.split()) - 1))
    monkeypatch.setenv('_TYPER_COMPLETE_ARGS', words)
    monkeypatch.setenv('_TYPER_COMPLETE_FISH_ACTION', 'get-args')
    monkeypatch.setenv('_XMODAL_COMPLETE', f'complete_{shell}')
    return CliRunner().invoke(app, prog_name='xmodal').output


def test_a_misspelt_verb_or_option_is_answered_with_what_was_meant() -> None:
    for words, meant in ((['trian'], "'train'"), (['export', '--opst', 'x'], '--opset')):
        told = CliRunner().invoke(app, words)
        assert told.exit_code == 2
        assert meant in told.stderr

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

"""What a selector is told: sources, how to choose between them, how to steady the result."""

from collections.abc import Sequence
from dataclasses import dataclass
import difflib
from typing import Final, get_args, Literal, TypeVar

from xmodal_ros.errors import ConfigurationError
from xmodal_ros.runtime.smoothing import SmoothingMethod

AUTO: Final = 'auto'
# Joins the names of the sources that a fused decision rests on.
JOINT: Final = '+'

Mode = Literal['select', 'fuse']
Word = TypeVar('Word', bound=str)


@dataclass(frozen=True)
class SourceSettings:
    """One source; ``accuracy`` is its validated one, None where nobody has said."""

    name: str
    priority: int = 0
    accuracy: float | None = None


@dataclass(frozen=True)
class SelectorSettings:
    """All settings; times in nanoseconds.

    Raises :class:`ConfigurationError` where they contradict each other, saying what to set.
    """

    sources: tuple[SourceSettings, ...]
    source: str = AUTO
    mode: Mode = 'select'
    timeout_ns: int = 2_000_000_000
    return_after_ns: int = 3_000_000_000
    stand_in: bool = True
    unknown_threshold: float = 0.0
    smoothing_ns: int = 0
    smoothing_method: SmoothingMethod = 'mean'
    minimum_dwell_ns: int = 0

    def __post_init__(self) -> None:
        check_names(self.names)
        check_source(self.source, self.names)
        unrated = [each.name for each in self.sources if each.accuracy is None]
        if self.mode == 'fuse' and unrated:
            wanted = ', '.join(f'sources.{name}.weight' for name in unrated)
            raise ConfigurationError(
                f"mode 'fuse' has to know how far to trust every source: set {wanted} to the "
                'accuracy (0 to 1) on people that the model was not trained on, or '
                f'sources.{unrated[0]}.model to the bundle that holds it'
            )

    @property
    def names(self) -> tuple[str, ...]:
        """The sources' names, in order."""
        return tuple(each.name for each in self.sources)

    @property
    def by_rank(self) -> tuple[str, ...]:
        """The sources' names, highest priority first; of equal ones the first in the list."""
        order = sorted(self.sources, key=lambda each: -each.priority)
        return tuple(each.name for each in order)


def check_names(names: Sequence[str]) -> None:
    """Raise :class:`ConfigurationError` unless these can name sources."""
    if not names:
        raise ConfigurationError(
            "the parameter 'source_names' is empty: name the classifiers to choose from, for "
            'example --ros-args -p source_names:=[imu,camera]'
        )
    for name in names:
        if name == AUTO or not name.replace('_', 'a').isalnum() or not name.isascii():
            raise ConfigurationError(
                f'a source cannot be called {name!r}: use letters, digits and underscores, and '
                f'another word than {AUTO!r}'
            )
    if len(set(names)) < len(names):
        raise ConfigurationError(f'sources are named twice: {", ".join(names)}')


def check_source(source: str, names: Sequence[str]) -> None:
    """Raise :class:`ConfigurationError` unless it is ``auto`` or one of the sources."""
    choose_word('source', source, (AUTO, *names))


def choose_mode(word: str) -> Mode:
    """Read the parameter ``mode``; raises :class:`ConfigurationError`."""
    return choose_word('mode', word, get_args(Mode))


def choose_smoothing_method(word: str) -> SmoothingMethod:
    """Read the parameter ``smoothing_method``; raises :class:`ConfigurationError`."""
    return choose_word('smoothing_method', word, get_args(SmoothingMethod))


def choose_word(parameter: str, word: str, words: Sequence[Word]) -> Word:
    """Give the one of ``words`` that ``word`` is; raises :class:`ConfigurationError`."""
    for known in words:
        if known == word:
            return known
    close = difflib.get_close_matches(word, words, n=1)
    hint = f'; did you mean {close[0]!r}?' if close else ''
    raise ConfigurationError(f'{parameter} {word!r} is none of {", ".join(words)}{hint}')

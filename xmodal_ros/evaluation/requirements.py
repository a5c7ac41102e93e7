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

"""Thresholds that a result has to meet: ``macro_f1=0.8``, ``ece<=0.1``."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
import difflib
import math
import operator
import re
from typing import Final

from xmodal_ros.errors import ConfigurationError
from xmodal_ros.metrics.tally import SCALARS

_PARTS: Final = re.compile(r'(.+?)\s*(<=|>=|=|<|>)\s*([^<>=]*)')
_RELATIONS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    '=': operator.ge,
    '>=': operator.ge,
    '>': operator.gt,
    '<=': operator.le,
    '<': operator.lt,
}
# Where less is better, '=' for "at least" would demand the opposite of what was meant.
_LESS_IS_BETTER: Final = re.compile(
    r'(.*\.)?(ece|brier|detection_delay_s|unknown_rate|drops|unknown|missing|extra|other_label'
    r'|largest_score_difference|p50|p95|p99)(\.(low|high))?'
)
_MOST_NAMES: Final = 40
_LIVE_ONLY: Final = ('equals_offline', 'stamps_compared', 'live')
_MORE: Final = ('counts.drops', 'by_label.NAME.recall', 'intervals.macro_f1.low')


@dataclass(frozen=True)
class Requirement:
    """A named scalar must stand in a relation (``=`` means at least) to ``bound``."""

    name: str
    relation: str
    bound: float

    def __str__(self) -> str:
        relation = '>=' if self.relation == '=' else self.relation
        return f'{self.name} {relation} {self.bound:g}'

    def met(self, value: float | None) -> bool:
        """Tell whether a value will do; None, what could not be measured, never does."""
        return value is not None and _RELATIONS[self.relation](value, self.bound)


@dataclass(frozen=True)
class Check:
    """What became of a requirement; ``bundle`` is '' where it is of the whole trial."""

    requirement: Requirement
    bundle: str
    value: float | None

    @property
    def met(self) -> bool:
        """Whether the requirement is met."""
        return self.requirement.met(self.value)


def is_requirement(text: str) -> bool:
    """Tell whether a word looks like a requirement rather than a path."""
    return _PARTS.fullmatch(text) is not None


def read_requirement(text: str) -> Requirement:
    """Read ``NAME=BOUND``, ``NAME>=BOUND`` or ``NAME<=BOUND`` (or ``>``, ``<``).

    Raises :class:`ConfigurationError` for anything else, and for ``=`` where less is better.
    """
    parts = _PARTS.fullmatch(text.strip())
    name, relation, bound = parts.groups() if parts else (text, '', '')
    try:
        value = float(bound)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ConfigurationError(
            f"{text!r} is no requirement: write a name, '=' (at least) or '<=', and a number, for "
            "example macro_f1=0.8 or 'ece<=0.1' (in quotes, or the shell takes < for a file)"
        )
    if relation == '=' and _LESS_IS_BETTER.fullmatch(name):
        raise ConfigurationError(
            f"'=' asks for at least that much, but of {name} less is better: write "
            f"'{name}<={bound}' in quotes"
        )
    return Requirement(name, relation, value)


def check_names(requirements: Sequence[Requirement], *, live: bool) -> None:
    """Refuse names that no result can have, before the work is done.

    Those with dots may be of activities, which the recordings alone know. Raises
    :class:`ConfigurationError`.
    """
    for each in requirements:
        if each.name.split('.')[0] in _LIVE_ONLY and not live:
            raise ConfigurationError(f'{each.name} is measured with --live alone: add that')
        if '.' not in each.name and each.name not in (*SCALARS, *_LIVE_ONLY):
            raise unknown_name(each.name, (*SCALARS, *_LIVE_ONLY, *_MORE))


def check(requirements: Sequence[Requirement], document: Mapping[str, object]) -> list[Check]:
    """Check requirements against a result as :func:`~.document.trial_as_json` gives it.

    A name is the path of a scalar, joined by dots (``by_label.walk.recall``); with several bundles
    it is looked up in the whole first, then in every bundle, each of which has to meet it. Raises
    :class:`ConfigurationError` for names that there are not, with a list of those there are.
    """
    whole = dict(_scalars(document))
    bundles = document.get('bundles')
    parts = (
        {name: dict(_scalars(each)) for name, each in bundles.items()}
        if isinstance(bundles, Mapping)
        else {}
    )
    checks: list[Check] = []
    for each in requirements:
        if each.name in whole:
            checks.append(Check(each, '', whole[each.name]))
            continue
        holders = {name: values for name, values in parts.items() if each.name in values}
        if not holders:
            known = dict.fromkeys([*(n for values in parts.values() for n in values), *whole])
            raise unknown_name(each.name, list(known))
        checks += [Check(each, name, values[each.name]) for name, values in holders.items()]
    return checks


def unknown_name(name: str, known: Sequence[str]) -> ConfigurationError:
    """Make the error for a name that nothing has."""
    close = difflib.get_close_matches(name, known, n=1)
    hint = f'; did you mean {close[0]!r}?' if close else ''
    # Those of single activities and bundles come last: they are many and alike.
    listed = sorted(known, key=lambda each: each.count('.'))
    more = f' and {len(listed) - _MOST_NAMES} more' if len(listed) > _MOST_NAMES else ''
    return ConfigurationError(
        f'nothing is called {name!r} in the result{hint}; there are: '
        f'{", ".join(listed[:_MOST_NAMES])}{more}'
    )


def _scalars(document: object, path: str = '') -> Iterator[tuple[str, float | None]]:
    """Give the numbers of a document by path; lists have none that can be named."""
    if isinstance(document, Mapping):
        for key, value in document.items():
            yield from _scalars(value, f'{path}.{key}' if path else str(key))
    elif document is None or isinstance(document, int | float):
        yield path, None if document is None else float(document)

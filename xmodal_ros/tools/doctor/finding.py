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

"""One thing that is wrong, or worth knowing, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal, TYPE_CHECKING

if TYPE_CHECKING:
    from xmodal_ros.modalities.checks import Problem

FindingLevel = Literal['error', 'warning', 'note']
_ORDER: Final[tuple[FindingLevel, ...]] = ('error', 'warning', 'note')


@dataclass(frozen=True)
class Finding:
    """``subject`` is the topic, node or part of the machine that it is about.

    ``code`` names the kind of finding for programs; ``problem`` and ``remedy`` are for a person.
    """

    level: FindingLevel
    code: str
    subject: str
    problem: str
    remedy: str


def about(subject: str, problems: Iterable[Problem]) -> Iterator[Finding]:
    """Yield what is wrong with a sensor's data as findings about a topic or a node."""
    for each in problems:
        yield Finding(each.level, each.code, subject, each.problem, each.remedy)


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Sort by gravity, otherwise as they came, each once."""
    return tuple(sorted(dict.fromkeys(findings), key=lambda each: _ORDER.index(each.level)))


def has_errors(findings: Iterable[Finding]) -> bool:
    """Whether anything keeps the robot from working."""
    return any(each.level == 'error' for each in findings)


def problem_and_remedy(text: str, otherwise: str) -> tuple[str, str]:
    """Part an error's text, whose last clause says what to do; ``otherwise`` where it has one."""
    problem, _, remedy = text.rpartition(': ')
    return (problem, remedy) if problem else (text, otherwise)

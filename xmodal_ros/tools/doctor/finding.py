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

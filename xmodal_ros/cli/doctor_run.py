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

"""What ``xmodal doctor`` does, apart from its options."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
import sys
from typing import Any, Final, TYPE_CHECKING

from rich.console import Console
import typer

from xmodal_ros.cli.doctor_page import render_environment, render_findings, render_graph
from xmodal_ros.cli.result import write_result
from xmodal_ros.errors import ConfigurationError
from xmodal_ros.files import check_writable
from xmodal_ros.tools.doctor.environment import Environment, look_around
from xmodal_ros.tools.doctor.environment_findings import check_environment
from xmodal_ros.tools.doctor.finding import Finding, has_errors, in_order

if TYPE_CHECKING:
    # These need packages that may be missing, which is for the doctor to say.
    from xmodal_ros.tools.doctor.diagnose import ModelCheck
    from xmodal_ros.tools.doctor.facts import GraphFacts

_WIDTH_OF_A_FILE: Final = 200
# For programs these are too long, or are no text at all.
_NOT_FOR_JSON: Final = frozenset({'newest', 'times_ns'})


def run(seconds: float, models: Sequence[Path], json: Path | None) -> None:
    """Examine the robot, print and write what was found; exits with 1 where errors are."""
    check_writable(json)
    console = Console(width=None if sys.stdout.isatty() else _WIDTH_OF_A_FILE)
    with _busy('looking at this machine'):
        environment = look_around()
    console.print(render_environment(environment))
    result: dict[str, Any] = {'environment': _plain(environment)}
    findings: tuple[Finding, ...]
    if _can_listen(environment):
        graph, checks, findings = _examine(environment, seconds, models)
        console.print(render_graph(graph, checks))
        result |= {'graph': _plain(graph), 'models': [_plain(check) for check in checks]}
    else:
        findings = in_order(
            [
                *check_environment(environment),
                Finding(
                    'error',
                    'not-listened',
                    'graph',
                    'the robot was not listened to',
                    'mend what is missing on this machine first',
                ),
            ]
        )
    console.print(render_findings(findings))
    write_result(json, {**result, 'findings': [asdict(finding) for finding in findings]})
    if has_errors(findings):
        raise typer.Exit(1)


def _can_listen(environment: Environment) -> bool:
    return not (environment.ros.problem or environment.missing or environment.outdated)


def _examine(
    environment: Environment, seconds: float, models: Sequence[Path]
) -> tuple[GraphFacts, list[ModelCheck], tuple[Finding, ...]]:
    try:
        from xmodal_ros.tools.doctor.diagnose import check_model, diagnose, types_read_by
        from xmodal_ros.tools.doctor.listener import listen
    except ImportError as error:
        raise ConfigurationError(
            f'the robot cannot be listened to, {error.name!r} is missing: install it, for ROS '
            'packages with apt-get install ros-jazzy-<name>'
        ) from error
    with _busy('listening') as tell:
        graph = listen(
            seconds,
            lambda passed: tell(f'listening for {passed:.0f} s'),
            types=types_read_by(models),
        )
    checks = [check_model(path, graph) for path in models]
    return graph, checks, diagnose(environment, graph, checks)


@contextmanager
def _busy(what: str) -> Iterator[Callable[[str], None]]:
    """Show at a terminal what takes the time."""
    console = Console(stderr=True)
    with console.status(what) as status:
        yield lambda words: status.update(words)


def _plain(facts: Any) -> Any:
    """Turn facts into what JSON has; NaN, which it has not, into null."""

    def tidy(value: Any) -> Any:
        if isinstance(value, dict):
            return {str(k): tidy(each) for k, each in value.items() if k not in _NOT_FOR_JSON}
        if isinstance(value, list | tuple):
            return [tidy(each) for each in value]
        if isinstance(value, float):
            return value if abs(value) < float('inf') else None
        if value is None or isinstance(value, str | bool | int):
            return value
        if hasattr(value, 'model_dump'):
            return tidy(value.model_dump(mode='json'))
        return str(value)

    return tidy(asdict(facts))

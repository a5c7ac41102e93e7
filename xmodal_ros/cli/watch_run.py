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

"""What ``xmodal watch`` does, apart from its options."""

from dataclasses import asdict
import json as json_format
import sys
import time
from typing import Any, Final, TYPE_CHECKING

from rich.console import Console
from rich.live import Live
import typer

from xmodal_ros.cli.browser import open_browser
from xmodal_ros.cli.needing_ros import needing_ros
from xmodal_ros.cli.watch_page import render
from xmodal_ros.errors import ConfigurationError, UsageError, XmodalError
from xmodal_ros.runtime.image_process import expect_images
from xmodal_ros.runtime.watching import Watch
from xmodal_ros.tools.watch.history import History

if TYPE_CHECKING:
    # It needs ROS, whose absence is to be said in words.
    from xmodal_ros.tools.watch.listener import Watcher

_STEP_S: Final = 0.05
# Of the page, which is to cost little.
_LOOK_PERIOD_S: Final = 1.0
_DRAWN_A_SECOND: Final = 5
# Fast DDS announces itself every 3 s; who is missed at first is found by then.
_DISCOVERY_S: Final = 4.0
_WIDTH_OF_A_FILE: Final = 160


def run(*, once: bool, seconds: float, json: bool) -> None:
    """Watch until Ctrl-C, or print once; exits with 1 where nothing was heard once.

    Raises :class:`ConfigurationError` where ROS or the terminal is missing.
    """
    if json and not once:
        raise UsageError('--json goes with --once: add it')
    if not once and not sys.stdout.isatty():
        raise ConfigurationError(
            'the output is no terminal: use --once for one table, or --once --json for programs'
        )
    with needing_ros():
        from xmodal_ros.tools.watch.listener import Watcher
    with Watcher() as watcher:
        if once:
            _print_once(watcher, seconds, json=json)
        else:
            _show(watcher)


def serve(*, once: bool, port: int, browser: bool) -> None:
    """Serve the page until Ctrl-C; raises :class:`ConfigurationError` where it cannot be."""
    if once:
        raise UsageError('--web shows what goes on, --once prints one table: choose one')
    with needing_ros():
        from xmodal_ros.tools.watch.listener import Watcher
        from xmodal_ros.tools.watch.page_server import WatchServer
    expect_images()
    history = History(time.monotonic_ns())
    console = Console(stderr=True)
    watching = Watcher(watch=history, look_period_s=_LOOK_PERIOD_S)
    with watching as watcher, WatchServer(watcher, history, port) as server:
        print(server.url, flush=True)
        console.print('Ctrl-C ends it')
        if browser:
            open_browser(server.url)
        try:
            while True:
                server.step()
                time.sleep(_STEP_S)
        except KeyboardInterrupt:
            return


def _print_once(watcher: 'Watcher', seconds: float, *, json: bool) -> None:
    begun = time.monotonic()
    while (passed := time.monotonic() - begun) < seconds:
        watcher.step()
        if passed >= min(_DISCOVERY_S, seconds) and watcher.watch.heard:
            break
        time.sleep(_STEP_S)
    watch, now_ns, absence = watcher.watch, time.monotonic_ns(), watcher.absence()
    if json:
        sys.stdout.write(json_format.dumps(as_json(watch, now_ns), indent=2) + '\n')
    else:
        console = Console(width=None if sys.stdout.isatty() else _WIDTH_OF_A_FILE)
        console.print(render(watch, now_ns, time.time(), absence))
    if absence and json:
        raise XmodalError(absence)
    if not any(row.labels for row in watch.rows(now_ns)):
        raise typer.Exit(1)


def _show(watcher: 'Watcher') -> None:
    console = Console()
    console.print('looking for nodes; Ctrl-C ends it', style='dim')
    begun = drawn = time.monotonic()
    try:
        with Live(console=console, auto_refresh=False, transient=False) as live:
            while True:
                watcher.step()
                now = time.monotonic()
                # Until everybody can have been found, nothing is no news.
                absence = watcher.absence() if now - begun >= _DISCOVERY_S else ''
                if now - drawn >= 1 / _DRAWN_A_SECOND:
                    drawn = now
                    page = render(watcher.watch, time.monotonic_ns(), time.time(), absence)
                    live.update(page, refresh=True)
                time.sleep(_STEP_S)
    except KeyboardInterrupt:
        # To end it so is what was said above: no error.
        return


def as_json(watch: Watch, now_ns: int) -> dict[str, Any]:
    """Give everything that is known, for programs; ``at_ns`` of events is relative to now."""
    return {
        'labels': [{**asdict(row), 'scores': dict(row.scores)} for row in watch.rows(now_ns)],
        'others': [asdict(other) for other in watch.others(now_ns)],
        'warnings': list(watch.clashes),
        'events': [{**asdict(event), 'at_ns': event.at_ns - now_ns} for event in watch.events],
    }

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

"""The command ``xmodal watch``: what a running robot recognises, in a terminal or a browser."""

from typing import Annotated

import typer


def watch(
    once: Annotated[
        bool, typer.Option('--once', help='Print one table when every topic has spoken, and end.')
    ] = False,
    seconds: Annotated[
        float,
        typer.Option(
            min=0.5, max=600, help='With --once: how long to wait for labels at the longest.'
        ),
    ] = 8.0,
    json: Annotated[
        bool, typer.Option('--json', help='With --once: print JSON instead of a table.')
    ] = False,
    web: Annotated[
        bool,
        typer.Option('--web', help='Show it on a page in the browser, with what sensors give.'),
    ] = False,
    port: Annotated[
        int,
        typer.Option(
            min=0, max=65535, help='With --web: serve the page here; 0 is any free port.'
        ),
    ] = 0,
    no_browser: Annotated[
        bool, typer.Option('--no-browser', help='With --web: only print the address of the page.')
    ] = False,
) -> None:
    """Show what a running robot recognises: labels, confidence, sources, rates, health.

    Finds every classifier and selector by the types of its topics, whatever its
    name, namespace or remaps, and follows nodes that come and go. Ages are
    those of arrival, so simulated time changes nothing. It only listens:
    nothing is published or set. Ctrl-C ends it.

    With --web, a page adds the last five minutes: pictures, traces, sound and
    decisions on one timeline. It is served to this machine only and its address
    holds a token; from another machine, give both a port:
    `ssh -L 8000:127.0.0.1:8000 robot`, and there --port 8000.

    Exit code of --once: 0 when labels were heard from somebody, else 1.

    Example: xmodal watch --once
    """
    from xmodal_ros.cli.watch_run import run, serve

    if web:
        serve(once=once, port=port, browser=not no_browser)
    else:
        run(once=once, seconds=seconds, json=json)

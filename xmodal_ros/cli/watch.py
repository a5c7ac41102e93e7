"""The command ``xmodal watch``: what a running robot recognises, in a terminal."""

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
) -> None:
    """Show what a running robot recognises: labels, confidence, sources, rates, health.

    Finds every classifier and selector by the types of its topics, whatever its
    name, namespace or remaps, and follows nodes that come and go. Ages are
    those of arrival, so simulated time changes nothing. It only listens:
    nothing is published or set. Ctrl-C ends it.

    Exit code of --once: 0 when labels were heard from somebody, else 1.

    Example: xmodal watch --once
    """
    from xmodal_ros.cli.watch_run import run

    run(once=once, seconds=seconds, json=json)

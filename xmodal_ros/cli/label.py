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

"""``xmodal label``: mark the activities of recordings on a local page."""

from pathlib import Path
import threading
from typing import Annotated

from rich.console import Console
from rich.markup import escape
import typer

from xmodal_ros.bags.label_writing import check_label
from xmodal_ros.bags.opening import about_passed_over, find_recordings
from xmodal_ros.cli.browser import open_browser
from xmodal_ros.cli.usage import reading_options
from xmodal_ros.labelling.bag_queue import BagQueue
from xmodal_ros.labelling.server import LabelServer


def label(
    bags: Annotated[
        list[Path],
        typer.Argument(metavar='BAG...', help='Bags, or folders that hold bags.'),
    ],
    labels: Annotated[
        str,
        typer.Option(
            metavar='A,B,C',
            help='The activities to choose from, in the order of their keys 1, 2, 3, …; more can '
            'be added on the page. Default: those that the bags hold.',
        ),
    ] = '',
    port: Annotated[
        int, typer.Option(min=0, max=65535, help='Serve the page here; 0 is any free port.')
    ] = 0,
    no_browser: Annotated[
        bool, typer.Option('--no-browser', help='Only print the address of the page.')
    ] = False,
) -> None:
    """Mark the activities of recordings with the keyboard, on a page in your browser.

    The page plays camera, IMU, sound and what else can be drawn together. Every change is written
    at once to labels.csv in the bag's folder (or beside the bag's file), where training and
    evaluation find it; labels already there are gone on with. Ctrl-C here ends it.

    The page is served to this machine only and its address holds a token. To label on another
    machine, give both a port: `ssh -L 8000:127.0.0.1:8000 robot`, and there --port 8000.

    Example: xmodal label recordings --labels walking,sitting,waving
    """
    console = Console(stderr=True)
    activities = [name.strip() for name in labels.split(',') if name.strip()]
    with reading_options():
        for name in activities:
            check_label(name)
    for note in about_passed_over(bags):
        console.print(f'[yellow]warning:[/] {escape(note)}', soft_wrap=True)
    with BagQueue(find_recordings(bags), activities) as queue, LabelServer(queue, port) as server:
        print(server.url, flush=True)
        console.print('Ctrl-C ends it; every change is saved at once')
        if not no_browser:
            open_browser(server.url)
        try:
            queue.wait()
            for bag in queue.progress():
                if bag.error or bag.locked:
                    words = escape(bag.error or f'{bag.name} can only be looked at: {bag.locked}')
                    console.print(f'[yellow]warning:[/] {words}', soft_wrap=True)
            threading.Event().wait()
        except KeyboardInterrupt:
            console.print(f'\nended; {_state(queue)}')


def _state(queue: BagQueue) -> str:
    progress = queue.progress()
    total = sum(bag.segments for bag in progress)
    labelled = sum(bag.segments > 0 for bag in progress)
    holding = sum(bag.offered > 0 for bag in progress)
    words = 'all saved' if queue.saved else 'nothing changed'
    if total or not holding:
        words += f': {total} segments in {labelled} of {len(progress)} bags'
    if holding:
        words += f'; {holding} of {len(progress)} bags hold labels of their own'
    return words

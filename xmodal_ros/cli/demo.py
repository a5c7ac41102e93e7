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

"""``xmodal demo``: everything once, from recordings to a live node and a report."""

from pathlib import Path
from typing import Annotated

import typer


def demo(
    out: Annotated[
        Path, typer.Option(help='Folder for recordings, models and reports.', metavar='DIR')
    ] = Path('demo'),
    data: Annotated[
        Path | None,
        typer.Option(
            help='Use the real recordings in this folder (it holds utd_mhad/) instead of '
            'simulated ones.',
            metavar='DIR',
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help='Of the simulation and the training.')] = 0,
) -> None:
    """Show the whole way once: record, train, run live, evaluate.

    Recordings of six simulated people (or of UTD-MHAD with --data) train an IMU classifier alone
    and one that had the camera to learn from (xmodal), and say whether that helped people whom
    it had not met. The people they have not met are played to
    the live node, whose labels appear on the screen, and the decisions are compared with those of
    the offline evaluation. Recordings that are there already are used again.

    Example: xmodal demo --out demo
    """
    from xmodal_ros.cli.demo_run import run

    run(out, data, seed)

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

"""The command ``xmodal doctor``: what of a robot's perception does not fit, and how to mend it."""

from pathlib import Path
from typing import Annotated

import typer


def doctor(
    seconds: Annotated[
        float,
        typer.Option(
            min=0.5,
            max=600,
            help='How long to listen to each sensor; longer for messages that are rare.',
        ),
    ] = 5.0,
    model: Annotated[
        list[Path] | None,
        typer.Option(
            metavar='BUNDLE',
            help='Say which topics could feed this bundle, though no node runs it; repeatable.',
        ),
    ] = None,
    json: Annotated[
        Path | None,
        typer.Option(metavar='FILE', help='Write everything that was found here, as JSON.'),
    ] = None,
) -> None:
    """Examine a robot, running or silent: what does not fit, and how to mend it.

    Looks at this machine (ROS, PyTorch, GPU, microphones, cameras), listens to
    every topic of a sensor (rates, gaps, stamps, units, encodings), and holds
    what each running classifier expects against what its topic gives. It only
    listens: nothing is published, set or restarted. Start it on the robot, in
    a terminal set up like those of the robot's nodes.

    Exit code: 0 when nothing is wrong (there may be warnings and notes), 1 when
    errors are found, 2 for wrong options.

    Example: xmodal doctor --model models/imu_wrist
    """
    from xmodal_ros.cli.doctor_run import run

    run(seconds, tuple(model or ()), json)

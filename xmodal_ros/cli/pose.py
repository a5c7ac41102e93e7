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

"""The command ``xmodal pose``: skeletons in the pictures of recordings."""

from pathlib import Path
from typing import Annotated

import typer

from xmodal_ros.files import check_writable
from xmodal_ros.paths import is_there


def pose(
    bag: Annotated[
        Path, typer.Argument(metavar='BAG', help='The recording, which stays as it is.')
    ],
    out: Annotated[
        Path, typer.Argument(metavar='OUT', help='The bag to write; what is there is kept.')
    ],
    weights: Annotated[
        Path,
        typer.Option(
            metavar='PATH',
            help='Wheel of mediapipe 0.10.14, or a folder with it or with the files of its two '
            'nets.',
        ),
    ],
    camera: Annotated[
        str,
        typer.Option(
            metavar='NAME', help='The camera, by its name or topic. Default: the only one.'
        ),
    ] = '',
    topic: Annotated[
        str, typer.Option(metavar='TOPIC', help='Where the skeletons are written.')
    ] = '/skeleton',
    json: Annotated[
        Path | None,
        typer.Option('--json', metavar='FILE', help='Write the counts here too.'),
    ] = None,
) -> None:
    """Find people's joints in a recording's pictures, and write it anew with them as a sensor.

    Skeletons are those that the node pose_estimator publishes where it is shown every picture:
    33 joints, geometry_msgs/PoseArray. They have the stamp and frame of their picture. Labels,
    metadata and all other topics come along.

    Example: xmodal pose recordings/anna_1 with_skeletons/anna_1 --weights mediapipe.whl
    """
    # What is there already is told of with the recording.
    check_writable(json, None if is_there(out) else out)
    from xmodal_ros.cli.pose_run import run

    run(bag, out, weights, camera, topic if topic.startswith('/') else f'/{topic}', json)

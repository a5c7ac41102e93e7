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

"""The command ``xmodal record``: a robot's sensors into a bag."""

from pathlib import Path
from typing import Annotated

import typer


def record(
    out: Annotated[
        Path,
        typer.Argument(metavar='OUT', help='Folder of the bag; it must not be there yet.'),
    ],
    topic: Annotated[
        list[str] | None,
        typer.Option(
            metavar='[NAME=]TOPIC',
            help='Record this topic, of the sensor NAME where one is given; repeatable.',
        ),
    ] = None,
    model: Annotated[
        list[Path] | None,
        typer.Option(metavar='BUNDLE', help='Record what this bundle reads; repeatable.'),
    ] = None,
    sensors: Annotated[
        Path | None,
        typer.Option(
            metavar='FILE',
            help='Record every sensor of the table in this file of parameters (perception.yaml), '
            'with its name and how it is mounted.',
        ),
    ] = None,
    subject: Annotated[str, typer.Option(metavar='NAME', help='The person who is recorded.')] = '',
    note: Annotated[
        list[str] | None,
        typer.Option(metavar='KEY=TEXT', help="Put this into the bag's metadata; repeatable."),
    ] = None,
    duration: Annotated[
        float | None,
        typer.Option(
            min=0.1, metavar='SECONDS', help='End by itself after so long. Default: at Ctrl-C.'
        ),
    ] = None,
    wait: Annotated[
        float,
        typer.Option(min=0, metavar='SECONDS', help='How long to wait for topics to be there.'),
    ] = 10.0,
    ros2_bag: Annotated[
        bool,
        typer.Option(
            '--ros2-bag',
            help='Let "ros2 bag record" write, for messages of any type and for more data than '
            'Python can take.',
        ),
    ] = False,
    json: Annotated[
        Path | None, typer.Option(metavar='FILE', help='Write what was recorded here, as JSON.')
    ] = None,
) -> None:
    """Record a robot's sensors into a bag that training and evaluation read.

    Without --topic, --model or --sensors every topic of a sensor is recorded.
    The truth (activity_label), the format of sound and static transforms come
    along where they are published. Recording begins when every topic that was
    named is there; subscriptions follow the QoS that publishers offer.

    Ctrl-C, the end of the terminal and a disk that gets full end it whole: what
    came until then is kept. A bag that is there is never overwritten.

    Exit code: 0 when the bag was written, 1 when a topic is missing, nothing
    came or the disk got full.

    Example: xmodal record recordings/anna_1 --subject anna --topic imu_wrist=/imu/data
    """
    from xmodal_ros.cli.record_run import run
    from xmodal_ros.cli.record_wanted import Asked

    asked = Asked(
        topics=tuple(topic or ()),
        models=tuple(model or ()),
        sensors=sensors,
        subject=subject,
        notes=tuple(note or ()),
    )
    run(out, asked, duration_s=duration, wait_s=wait, ros2_bag=ros2_bag, json=json)

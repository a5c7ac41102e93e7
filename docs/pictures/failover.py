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

"""Make docs/pictures/failover.webp: a camera is unplugged, and the selector goes on by the IMU.

    python docs/pictures/failover.py RECORDING CAMERA_BUNDLE IMU_BUNDLE

What is drawn are the decisions of the live pipeline and selector over a simulated recording, of
whose pictures some are left out; nothing else is changed. It is shown twice as fast as it was.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
import heapq
from pathlib import Path

import cv2
import numpy as np
import PIL.Image

from xmodal_ros.bags.labels import read_segments
from xmodal_ros.bags.reading import BagReader
from xmodal_ros.bags.sensor_type import sensor_type
from xmodal_ros.modalities.intake import SensorIntake
from xmodal_ros.models.bundle import load_bundle
from xmodal_ros.runtime.annotating import annotate, Caption, Image, Picture, read_image
from xmodal_ros.runtime.engine import Engine
from xmodal_ros.runtime.label import Label
from xmodal_ros.runtime.offline import sensor_for
from xmodal_ros.runtime.selector import Decision, Selector
from xmodal_ros.runtime.selector_settings import SelectorSettings, SourceSettings
from xmodal_ros.windows.windowing import SECOND_NS

_OUT = Path(__file__).with_name('failover.webp')
_SHOWN_EVERY_NS = SECOND_NS // 4
_SHOWN_MS = 125
_SILENT_NS = 2 * SECOND_NS


@dataclass(frozen=True)
class Gap:
    """When no pictures come, in nanoseconds."""

    begin_ns: int
    end_ns: int

    def __contains__(self, time_ns: int) -> bool:
        return self.begin_ns <= time_ns < self.end_ns


def labels(
    bundle: Path, name: str, recording: Path, until_ns: int, gap: Gap | None
) -> Iterator[tuple[int, str, Label]]:
    """Give the labels that a classifier publishes, with when it does."""
    engine = Engine(load_bundle(bundle))
    info = engine.bundle.info
    with BagReader(recording) as reader:
        sensor = sensor_for(engine, reader)
        kind = sensor_type(reader, sensor)
        intake = SensorIntake(info.stream, info.window, kind, sensor.placement)
        for message in reader.messages([sensor.topic]):
            if message.received_ns > until_ns:
                return
            if gap and message.received_ns in gap:
                continue
            for window in intake.push(message.data, message.received_ns):
                made = engine.classify(window)
                yield message.received_ns, name, Label(made.stamp_ns, made.frame_id, made.scores)


def scene(
    picture: Picture, decision: Decision | None, truth: str, heard: dict[str, str]
) -> Picture:
    """Draw what the annotator draws, and below it what each sensor says."""
    large = cv2.resize(picture, None, fx=2.5, fy=2.5, interpolation=cv2.INTER_LINEAR)
    scores = decision.scores if decision else ()
    source = f'by {decision.source}' if decision else ''
    drawn = annotate(Image(0, '', large), Caption(scores, source), 3)
    strip = np.full((66, drawn.shape[1], 3), 25, np.uint8)
    lines = [f'truth: {truth}', *(f'{name}: {said}' for name, said in heard.items())]
    for row, text in enumerate(lines):
        chosen = decision is not None and text.startswith(f'{decision.source}:')
        colour = (90, 200, 90) if chosen else (200, 200, 200)
        cv2.putText(
            strip, text, (8, 18 + 20 * row), cv2.FONT_HERSHEY_SIMPLEX, 0.48, colour, 1, cv2.LINE_AA
        )
    return np.vstack([drawn, strip])


def scenes(
    recording: Path, camera: Path, imu: Path, times_s: Sequence[float]
) -> Iterator[Picture]:
    """Give four pictures a second from the first of ``times_s`` to the last."""
    with BagReader(recording) as reader:
        begin_ns, *gap_ns, end_ns = (reader.start_ns + round(each * SECOND_NS) for each in times_s)
        gap = Gap(*gap_ns)
        segments = read_segments(reader)
        sensor = sensor_for(Engine(load_bundle(camera)), reader)
        kind = sensor_type(reader, sensor)
        now_ns = 0
        settings = SelectorSettings((SourceSettings('camera', priority=1), SourceSettings('imu')))
        selector = Selector(settings, lambda: now_ns)
        streams: list[Iterator[tuple[int, str, Label | bytes]]] = [
            labels(camera, 'camera', recording, end_ns, gap),
            labels(imu, 'imu', recording, end_ns, None),
            ((each.received_ns, '', each.data) for each in reader.messages([sensor.topic])),
        ]
        heard: dict[str, tuple[int, Label]] = {}
        decision: Decision | None = None
        due_ns = begin_ns
        for now_ns, name, what in heapq.merge(*streams, key=lambda each: each[0]):
            if now_ns >= end_ns:
                return
            if isinstance(what, Label):
                heard[name] = now_ns, what
                decision = (selector.push(name, what) or [decision])[-1]
            elif now_ns >= due_ns:
                due_ns += _SHOWN_EVERY_NS
                shown = (each.label for each in segments if each.start_ns <= now_ns < each.end_ns)
                picture = read_image(kind, what).picture
                if now_ns in gap:
                    picture = np.full_like(picture, 45)
                said = {name: words(*each, now_ns) for name, each in sorted(heard.items())}
                yield scene(picture, decision, next(shown, '-'), said)


def words(came_ns: int, label: Label, now_ns: int) -> str:
    """Say what a sensor's classifier has said last."""
    silent = now_ns - came_ns > _SILENT_NS
    return 'silent' if silent else f'{label.decision} {label.scores[0][1]:.2f}'


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the animation."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ('recording', 'camera', 'imu'):
        parser.add_argument(name, type=Path)
    parser.add_argument(
        '--times',
        type=float,
        nargs=4,
        default=(12, 21, 35, 46),
        help='seconds: shown from, unplugged, plugged in again, shown until',
    )
    parser.add_argument('--out', type=Path, default=_OUT)
    chosen = parser.parse_args(arguments)
    made = scenes(chosen.recording, chosen.camera, chosen.imu, chosen.times)
    first, *rest = [PIL.Image.fromarray(each) for each in made]
    first.save(
        chosen.out, save_all=True, append_images=rest, duration=_SHOWN_MS, loop=0, quality=55
    )


if __name__ == '__main__':
    main()

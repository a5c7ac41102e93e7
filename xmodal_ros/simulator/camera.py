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

"""What the robot's camera sees of the performance, frame by frame."""

from collections.abc import Iterator
from typing import Final

import cv2
import numpy as np

from xmodal_ros.simulator.brush import Brush
from xmodal_ros.simulator.clock import sample_times, SensorClock
from xmodal_ros.simulator.figure import person_capsules
from xmodal_ros.simulator.lens import HEIGHT, Image, Lens, OVERSAMPLING, WIDTH
from xmodal_ros.simulator.performance import Performance
from xmodal_ros.simulator.person import shared_rng, subject_rng
from xmodal_ros.simulator.props import bench_faces, tool_capsules
from xmodal_ros.simulator.room import (
    draw_background,
    draw_occluders,
    draw_passers,
    draw_shadow,
    Lighting,
)
from xmodal_ros.simulator.rotations import FloatArray, unit

CAMERA_RATE_HZ: Final = 15.0
_CHUNK_S: Final = 10.0
_NOISE_TILES: Final = 4
_SHADOW_M: Final = 0.33


class SimulatedCamera:
    """The camera of one recording: its place, its picture noise, the room it looks into."""

    def __init__(self, performance: Performance, clock: SensorClock) -> None:
        person = performance.person
        rng = subject_rng(person.seed, person.index, 'camera')
        self._performance, self._clock, self._rng = performance, clock, rng
        self._lens = Lens(
            height_m=float(rng.uniform(1.05, 1.25)),
            pitch=float(rng.uniform(0.03, 0.08)),
            focal=OVERSAMPLING * float(rng.uniform(126, 134)),
        )
        self._light = unit(np.array([-0.6, rng.uniform(-1.0, 1.0), rng.uniform(0.6, 1.4)]))
        self._bench = bench_faces(performance.stage, self._lens)
        self._background = draw_background(shared_rng(person.seed, 'walls'), rng, self._lens)
        self._occluders = draw_occluders(rng)
        self._passers = draw_passers(rng, performance.duration)
        self._lighting = Lighting(rng, performance.duration)
        self._sigma = float(rng.uniform(1.5, 3.5))
        shape = (_NOISE_TILES, 2 * HEIGHT, 2 * WIDTH, 3)
        self._noise = rng.normal(0, self._sigma, shape).astype(np.float32)

    def frames(self) -> Iterator[tuple[int, int, Image]]:
        """Yield (stamp_ns, received_ns, rgb image (120, 160, 3)) in order."""
        for t in sample_times(self._performance.duration, CAMERA_RATE_HZ, _CHUNK_S):
            stamps, received = self._clock.stamp(t, self._rng)
            for stamp_ns, received_ns, image in zip(stamps, received, self.images(t), strict=True):
                yield int(stamp_ns), int(received_ns), image

    def images(self, t: FloatArray) -> Iterator[Image]:
        """Yield the picture (120, 160, 3) rgb at each of the times ``t`` (T,) seconds."""
        pose = self._performance.pose(t)
        capsules = person_capsules(self._performance.person, pose)
        capsules += tool_capsules(pose, self._performance.tools(t))
        brush = Brush(self._lens, self._light, capsules)
        shadows = self._lens.project(pose.joints['pelvis'] * [1.0, 1.0, 0.0])
        sizes = _SHADOW_M * self._lens.focal / self._lens.depth(pose.joints['pelvis'])
        gains = self._lighting.gain(t)
        for frame, time in enumerate(t):
            drawing = self._background.copy()
            for passer in self._passers:
                if passer.behind:
                    passer.paint(drawing, self._lens, float(time))
            draw_shadow(drawing, shadows[frame], float(sizes[frame]))
            brush.paint(drawing, frame, self._bench)
            for passer in self._passers:
                if not passer.behind:
                    passer.paint(drawing, self._lens, float(time))
            for occluder in self._occluders:
                occluder.cover(drawing)
            yield self._expose(drawing, float(gains[frame]))

    def _expose(self, drawing: Image, gain: float) -> Image:
        small = cv2.resize(drawing, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
        lit = small * (gain * self._lighting.tint).astype(np.float32)
        # A random part of one of a few noise pictures: fresh noise costs more than the drawing.
        tile = self._noise[self._rng.integers(_NOISE_TILES)]
        down, across = self._rng.integers(HEIGHT), self._rng.integers(WIDTH)
        lit += tile[down : down + HEIGHT, across : across + WIDTH]
        return np.clip(lit, 0, 255, out=lit).astype(np.uint8)

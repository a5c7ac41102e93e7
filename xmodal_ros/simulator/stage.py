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

"""Where things are in the room of one recording: the person's places, the bench, the path."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from xmodal_ros.simulator.person import Person, shared_rng, subject_rng


@dataclass(frozen=True)
class StagePlace:
    """A place to stand: metres in the room, heading in radians (0 looks away from the camera)."""

    east: float
    north: float
    heading: float


@dataclass(frozen=True)
class SimulatedStage:
    """The layout of one recording, metres in the world frame (camera above the origin).

    ``path_radii`` are the half axes (along x, along y) of the ellipse walked around ``home``.
    """

    home: StagePlace
    at_bench: StagePlace
    bench: StagePlace
    bench_height_m: float
    path_radii: tuple[float, float]

    def spot(self, rng: np.random.Generator) -> StagePlace:
        """Draw a place near home to stand at, turned somewhere towards the robot."""
        return StagePlace(
            self.home.east + float(rng.normal(0, 0.10)),
            self.home.north + float(rng.normal(0, 0.12)),
            self.home.heading + float(rng.normal(0, 0.3)),
        )

    def workplace(self, rng: np.random.Generator) -> StagePlace:
        """Draw where the person stands this time to work at the bench."""
        return StagePlace(
            self.at_bench.east + float(rng.normal(0, 0.04)),
            self.at_bench.north + float(rng.normal(0, 0.05)),
            self.at_bench.heading + float(rng.normal(0, 0.12)),
        )


# From the middle of the person to the middle of the bench.
_REACH_M: Final = 0.52


def draw_stage(person: Person) -> SimulatedStage:
    """Draw the layout of the recording of ``person``.

    All are recorded in one laboratory, but things are moved between recordings, the robot too.
    """
    lab = shared_rng(person.seed, 'lab')
    rng = subject_rng(person.seed, person.index, 'room')
    distance = float(lab.uniform(3.1, 3.5) + rng.normal(0, 0.15))
    aside = float(rng.normal(0, 0.1))
    # The bench is to one side, so that the robot sees the work more or less in profile.
    side = float(lab.choice([-1.0, 1.0]))
    bench_heading = side * (np.pi / 2 + float(lab.uniform(-0.2, 0.4) + rng.normal(0, 0.12)))
    stand = np.array([distance + rng.normal(0, 0.15), aside + side * (0.25 + rng.normal(0, 0.08))])
    ahead = np.array([np.cos(bench_heading), np.sin(bench_heading)])
    bench = stand + _REACH_M * person.scale * ahead
    return SimulatedStage(
        home=StagePlace(distance, aside - 0.15 * side, np.pi + float(rng.normal(0, 0.2))),
        at_bench=StagePlace(float(stand[0]), float(stand[1]), float(bench_heading)),
        bench=StagePlace(float(bench[0]), float(bench[1]), float(bench_heading)),
        bench_height_m=float(0.53 * person.height_m + rng.uniform(-0.03, 0.05)),
        path_radii=(float(rng.uniform(0.5, 0.75)), float(rng.uniform(0.75, 1.0))),
    )

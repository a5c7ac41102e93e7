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

"""Draw docs/pictures/simulator.png: the ten activities, and what the sensors say about some.

python docs/pictures/simulator.py (with the repository's root on PYTHONPATH)
"""

from io import BytesIO
from pathlib import Path

from matplotlib import pyplot as plt
from matplotlib.figure import SubFigure
import numpy as np
from PIL import Image

from xmodal_ros.simulator.activities import ACTIVITIES
from xmodal_ros.simulator.camera import SimulatedCamera
from xmodal_ros.simulator.clock import SensorClock
from xmodal_ros.simulator.imu import ImuSensor, wrist_mount
from xmodal_ros.simulator.microphone import SimulatedMicrophone
from xmodal_ros.simulator.script import draw_performance

_SHOWN_S = 62.0


def main() -> None:
    """Draw the picture."""
    plt.switch_backend('Agg')
    figure = plt.figure(figsize=(10, 7.2), layout='constrained')
    grid = figure.add_gridspec(2, 1, height_ratios=(1.15, 1))
    frames, signals = figure.add_subfigure(grid[0]), figure.add_subfigure(grid[1])
    for number, (axes, name) in enumerate(
        zip(frames.subplots(2, 5).flat, ACTIVITIES, strict=True)
    ):
        performance = draw_performance(seed=0, index=number % 6, minutes=4.0)
        motion = next(motion for motion in performance.motions if motion.activity == name)
        middle = np.array([0.6 * motion.start + 0.4 * motion.end])
        axes.imshow(
            next(SimulatedCamera(performance, SensorClock(0, 0.0, (0.0, 0.0))).images(middle))
        )
        axes.set_title(name, fontsize=9)
        axes.axis('off')
    _draw_signals(signals)
    with BytesIO() as drawn:
        figure.savefig(drawn, dpi=72)
        # A palette: half the size, and nobody can tell.
        picture = Image.open(drawn).convert('RGB').quantize(224, dither=Image.Dither.NONE)
        picture.save(Path(__file__).with_suffix('.png'), optimize=True)


def _draw_signals(figure: SubFigure) -> None:
    performance = draw_performance(seed=0, index=0, minutes=4.0)
    clock = SensorClock(0, 0.0, (0.0, 0.0))
    imu = ImuSensor(performance, wrist_mount(performance), clock, 'imu_wrist')
    force = np.array([fields[25:28].copy() for _, _, fields in imu.readings()])
    audio = np.concatenate(
        [samples for _, _, samples in SimulatedMicrophone(performance, clock).chunks()]
    )
    above, below = figure.subplots(2, 1, sharex=True)
    above.plot(np.arange(len(force)) / 100, force, linewidth=0.5)
    above.set_ylabel('wrist, m/s²', fontsize=8)
    shown = audio[: int(_SHOWN_S * 16_000)] / 32768
    below.specgram(shown, NFFT=1024, Fs=16_000, noverlap=512, cmap='magma', vmin=-130, vmax=-50)
    below.set_ylabel('sound, Hz', fontsize=8)
    below.set_xlabel('seconds', fontsize=8)
    for motion in performance.motions:
        if motion.activity and motion.end < _SHOWN_S:
            above.axvspan(motion.start, motion.end, alpha=0.12)
            above.text(motion.start + 0.2, 33, motion.activity, fontsize=7)
    above.set_xlim(0, _SHOWN_S)
    above.set_ylim(-25, 42)


if __name__ == '__main__':
    main()

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

"""What a GPU has of it; without one `benchmarks/gpu.sh` compares the CPU with itself."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.harness import cost_of, row, Sides
from benchmarks.models import model


@row(
    'gpu_engine',
    'What does a window of a camera take on the device that `auto` chooses?',
    aim=0.4,
    ours='the engine, from a window in memory to ranked scores, with runtime torch',
    plain='the same model in eager torch, from there to logits in memory',
    measure='wall',
    needs_gpu=True,
)
def gpu_engine(folder: Path) -> Iterator[Sides]:
    """Compare on one device."""
    import torch

    from xmodal_ros.models.golden import read_golden
    from xmodal_ros.runtime.engine import Engine
    from xmodal_ros.runtime.loading import load_model
    from xmodal_ros.windows.assembler import Window

    loaded = load_model(model(folder, 'camera'), 'auto', runtime='torch')
    engine = Engine(loaded)
    values = read_golden(loaded.path, loaded.info).window
    window = Window(0, values, 1.0, '')
    classifier = loaded.classifier  # type: ignore[attr-defined]  # runtime torch has one

    def plain() -> object:
        with torch.inference_mode():
            return classifier(torch.from_numpy(values)[None].to(loaded.device)).cpu()

    graph = ' by a CUDA graph' if loaded.graph else ''  # type: ignore[attr-defined]
    note = f'{loaded.device}{graph}'
    yield Sides(lambda: engine.classify(window), plain, unit='window', note=note)


@row(
    'gpu_three_models',
    'What do windows of three models take that are due together?',
    aim=1.3,
    ours='an IMU, a camera and a microphone, one after the other, on the device of `auto`',
    plain='the slowest of the three alone',
    measure='wall',
    needs_gpu=True,
)
def gpu_three_models(folder: Path) -> Iterator[Sides]:
    """Compare on one device."""
    from xmodal_ros.runtime.engine import Engine
    from xmodal_ros.runtime.loading import load_model
    from xmodal_ros.windows.assembler import Window

    engines = {
        name: Engine(load_model(model(folder, name), 'auto', runtime='torch'))
        for name in ('imu', 'camera', 'audio')
    }
    windows = {
        name: Window(0, np.zeros(engine.bundle.info.window_shape, np.float32), 1.0, '')
        for name, engine in engines.items()
    }

    def all_three() -> None:
        for name, engine in engines.items():
            engine.classify(windows[name])

    # On a CPU the microphone's by far; on a GPU the one of most kernels, perhaps.
    for _ in range(3):
        all_three()
    slowest = max(
        engines, key=lambda name: cost_of(lambda: engines[name].classify(windows[name]), 10).wall_s
    )
    engine, window = engines[slowest], windows[slowest]
    note = f'{engine.bundle.device}, slowest is {slowest}'
    yield Sides(all_three, lambda: engine.classify(window), unit='turn', note=note)

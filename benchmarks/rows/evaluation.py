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

"""What an evaluation costs beside the forwards that it is for."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from benchmarks.harness import Cost, cost_of, row, Sides
from benchmarks.material import bundle, recordings, repeated, SENSORS, SUBJECTS, xmodal
from xmodal_ros.machine import usable_cores

_CORES: Final = usable_cores()
_JOBS: Final = min(_CORES, SUBJECTS)
# Long enough that starting is not most of it.
_MINUTES: Final = 6
# Of an evaluation in one process: what is begun once, and in each of several.
_START_UP: Final = 0.15

# Shares of what the plain side takes, measured part by part.
_LIMITS = {
    'imu': 'Of what these forwards take, 15 % is unpacking chunks, which hold the messages of all '
    'sensors, 9 % taking 51 messages a window out of them, 12 % decoding and cutting them, 2 % '
    'looking into what they hold, 3 % scoring; the rest is making decisions of logits.',
    'camera': 'Of what these forwards take, 33 % is decompressing and scaling four pictures a '
    'window and cutting these, 4 % unpacking chunks, which hold the messages of all sensors, 5 % '
    'looking into what pictures hold; the rest is making decisions of logits.',
    'audio': '',
}


def _evaluating(modality: str) -> Callable[[Path], Iterator[Sides]]:
    def prepare(folder: Path) -> Iterator[Sides]:
        import numpy as np
        import torch

        from xmodal_ros.bags.audio_format import read_audio_format
        from xmodal_ros.bags.reading import BagReader
        from xmodal_ros.evaluation.scoring import evaluate_bag
        from xmodal_ros.modalities.intake import SensorIntake
        from xmodal_ros.runtime.devices import make_deterministic
        from xmodal_ros.runtime.engine import Engine
        from xmodal_ros.runtime.loading import load_model
        from xmodal_ros.runtime.offline import classify_bag, sensor_for

        make_deterministic()
        engine = Engine(load_model(bundle(folder, modality), 'cpu'))
        info, bag = engine.bundle.info, recordings(folder)[-1]
        windows: list[torch.Tensor] = []
        with BagReader(bag) as reader:
            sensor = reader.sensor(SENSORS[modality])
            intake = SensorIntake(
                info.stream,
                info.window,
                reader.topics[sensor.topic].msgtype,
                sensor.placement,
                read_audio_format(reader, sensor.topic),
            )
            for message in reader.messages([sensor.topic]):
                windows += [
                    torch.from_numpy(np.ascontiguousarray(window.values))[None]
                    for window in intake.push(message.data, message.received_ns)
                ]
            count = reader.topics[sensor.topic].count

        def ours() -> None:
            with BagReader(bag) as reader:
                offline = classify_bag(engine, reader, sensor_for(engine, reader))
                evaluate_bag(info, reader, sensor.name, offline)

        def plain() -> None:
            for window in windows:
                engine.bundle.logits(window)

        note = f'{count} messages, {len(windows)} windows; runtime {engine.bundle.runtime}'
        if engine.bundle.runtime == 'torch':
            note += ', by which a bundle runs until `xmodal export` has put its ONNX file there'
        yield Sides(ours, plain, unit='window', units=len(windows), note=note)

    return prepare


for _modality in SENSORS:
    _prepare = _evaluating(_modality)
    row(
        f'evaluate {_modality}',
        'What does evaluating a recording cost beside its forwards?',
        aim=1.5,
        ours='reading, decoding, cutting, batch-1 forwards and scoring',
        plain='the same forwards of the windows alone',
        limit=_LIMITS[_modality],
    )(_prepare)


@row(
    'evaluate --jobs',
    'And how much faster are several recordings in several processes?',
    aim=1 / _JOBS + _START_UP,
    ours=f'`xmodal evaluate AUDIO --jobs {_JOBS}` of {SUBJECTS} recordings of {_MINUTES} minutes, '
    f'where there are {_CORES} cores',
    plain='the same with `--jobs 1`',
    measure='wall',
    rounds=3,
    limit=f'The aim is 1/{_JOBS}, and {_START_UP:g} for what is begun once and in each process: '
    'importing torch, and the model.',
)
def jobs(folder: Path) -> Iterator[Sides]:
    """Run the command both ways."""
    bags = [repeated(folder, _MINUTES, number=number) for number in range(SUBJECTS)]
    words = ['evaluate', bundle(folder, 'audio'), *bags, '--all-subjects']

    def evaluate(processes: int) -> Cost:
        out = ('--json', folder / 'out.json', '--jobs', processes)
        return cost_of(lambda: xmodal(*words, *out))

    yield Sides(lambda: evaluate(_JOBS), lambda: evaluate(1), unit='evaluation')


@row(
    'evaluate --html',
    'What does the report of an evaluation cost?',
    aim=1.5,
    ours='`xmodal evaluate IMU CAMERA --html` of one recording',
    plain='the same without --html',
    rounds=3,
)
def html(folder: Path) -> Iterator[Sides]:
    """Run the command both ways."""
    bundles = [bundle(folder, 'imu'), bundle(folder, 'camera')]
    words = ['evaluate', *bundles, recordings(folder)[-1], '--json', folder / 'out.json']
    yield Sides(
        lambda: xmodal(*words, '--html', folder / 'out.html'),
        lambda: xmodal(*words),
        unit='evaluation',
    )

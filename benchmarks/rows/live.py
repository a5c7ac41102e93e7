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

"""What a robot has of it: start, forward, CPU, delay, memory."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
import itertools
from pathlib import Path
from statistics import median
from typing import Final

import numpy as np

from benchmarks.harness import Aim, Cost, cost_of, Line, row, series, Sides
from benchmarks.models import model
from benchmarks.robot import (
    BEAT_S,
    Heard,
    node,
    percentile,
    PLAIN,
    robot_environment,
    SCRIPT,
    SENSORS,
    sensors,
    spent,
)

# Multiples of what lies between two samples of each sensor.
ROBOT_HOPS_S: Final = (0.2, 0.5, 1.0)
# Of forwards alone.
_TURNS, _CALLS = 9, 20
_LARGEST_BATCH: Final = 64
_SETTLE_S: Final = 5.0
_PLAIN_PROCESSES: Final = {
    'plain': 'plain',
    'raw': 'plain, raw',
    'taken': 'taken and dropped',
}
# Of simulated time.
_STRETCH_S: Final = 8
# Of memory, by a classifier without torch.
_SAVED_MB: Final = 190


def _start(folder: Path, runtime: str) -> Iterator[Sides]:
    import time

    bundle = model(folder, 'imu', onnx=True)
    memory: dict[str, float] = {}
    with robot_environment() as environment:

        def start(name: str, command: Sequence[str], active: str) -> Cost:
            begun = time.perf_counter()
            with node(command, environment, active) as process:
                took_s, found = time.perf_counter() - begun, spent(process.pid)
            memory[name] = found.memory_mb
            return Cost(found.cpu_s, took_s)

        def classifier(runtime: str) -> Cost:
            command = [
                *('-m', 'xmodal_ros.nodes.imu_classifier', '--ros-args'),
                *('-p', f'model:={bundle}', '-p', f'runtime:={runtime}'),
            ]
            return start(runtime, command, 'listening on')

        def importing(*names: str) -> Cost:
            script = (
                f'import sys, {", ".join(names)}; print("active", file=sys.stderr, flush=True)'
            )
            return start(' '.join(names), ['-c', script], 'active')

        def plain() -> Cost:
            return importing('torch', 'rclpy')

        classifier(runtime)
        plain()
        note = f'{memory[runtime]:.0f} MB of memory against {memory["torch rclpy"]:.0f} MB'
        if runtime != 'torch':
            classifier('torch')
            importing('rclpy')
            importing('rclpy', 'onnxruntime')
            note += saved_in_words(memory)
        yield Sides(lambda: classifier(runtime), plain, unit='start', note=note)


def saved_in_words(memory_mb: Mapping[str, float]) -> str:
    """Say what a classifier without torch saves of the memory of one with it, and the verdict.

    Takes the memory of both by their runtimes, and of processes by what they import.
    """
    saved_mb = memory_mb['torch'] - memory_mb['onnx']
    words = f', and {memory_mb["torch"]:.0f} MB with runtime torch: {saved_mb:.0f} MB saved, '
    words += f'wanted at least {_SAVED_MB}: '
    if saved_mb >= _SAVED_MB:
        return words + 'met'
    torch_mb = memory_mb['torch rclpy'] - memory_mb['rclpy']
    onnx_mb = memory_mb['rclpy onnxruntime'] - memory_mb['rclpy']
    return (
        words + f'missed, for importing torch takes {torch_mb:.0f} MB, onnxruntime {onnx_mb:.0f}'
    )


@row(
    'start',
    'What does it take from exec to an active classifier, with torch?',
    aim=1.0,
    ours='`imu_classifier` until it listens, with runtime torch',
    plain='`import torch, rclpy`',
    rounds=7,
    limit='Of the CPU time that plain takes, importing torch and rclpy is 85 %, as garbage is not '
    'looked for meanwhile; our modules and pydantic are 10 %, types of messages 2 %, and the '
    'interpreter, the node, and the bundle, proved by its hashes and golden sample, 10 % (medians '
    'of 8 starts, each beside one of plain). All of it is needed before a label can come.',
)
def start(folder: Path) -> Iterator[Sides]:
    """Compare processes."""
    yield from _start(folder, 'torch')


@row(
    'start_onnx',
    'And without torch?',
    aim=0.5,
    ours='`imu_classifier` until it listens, with runtime onnx',
    plain='`import torch, rclpy`',
    rounds=7,
)
def start_onnx(folder: Path) -> Iterator[Sides]:
    """Compare processes."""
    yield from _start(folder, 'onnx')


def _forward(folder: Path, name: str, runtime: str) -> Iterator[Sides]:
    import torch

    from xmodal_ros.models.bundle import load_bundle
    from xmodal_ros.models.golden import read_golden
    from xmodal_ros.runtime.devices import make_deterministic
    from xmodal_ros.runtime.engine import Engine
    from xmodal_ros.runtime.loading import load_model
    from xmodal_ros.windows.assembler import Window

    make_deterministic()
    bundle = load_bundle(model(folder, name, onnx=True))
    values = read_golden(bundle.path, bundle.info).window
    window, tensor = Window(0, values, 1.0, ''), torch.from_numpy(values)[None]
    engine = Engine(load_model(bundle.path, 'cpu', runtime=runtime))

    def plain() -> object:
        with torch.inference_mode():
            return bundle.classifier(tensor)

    yield Sides(lambda: engine.classify(window), plain, unit='window')


def _register_forward(
    name: str, words: str, aim: float, limit: str, runtime: str = 'onnx'
) -> None:
    @row(
        f'forward_{name}' + ('' if runtime == 'onnx' else f'_{runtime}'),
        f'What does a window of {words} cost{"" if runtime == "onnx" else " by torch"}?',
        aim=aim,
        ours=f'the engine, from a window to ranked scores, with runtime {runtime}',
        plain='the logits alone, by the same model in eager torch, batch 1',
        limit=limit,
    )
    def forward(folder: Path) -> Iterator[Sides]:
        yield from _forward(folder, name, runtime)


_BESIDE_LOGITS: Final = (
    'Of the logits of an IMU, what is set around each forward for device and precision is 13 %, '
    'probabilities are 6 %, a copy of the window and ranking 3 %.'
)
for _name, _words in (('imu', 'an IMU'), ('camera', 'a camera'), ('audio', 'a microphone')):
    _register_forward(_name, _words, 1.0, _BESIDE_LOGITS, 'torch')
_register_forward('imu', 'an IMU', 0.4, '')
_register_forward('imu_auto', 'an IMU, with the members beside the net', 0.4, '')
_register_forward(
    'camera',
    'a camera',
    0.5,
    'Two fifths of it are three convolutions, of which onnxruntime takes little less than torch.',
)
_register_forward(
    'audio',
    'a microphone',
    0.5,
    'Three tenths of it are power spectra; most of the rest are depthwise convolutions of a few '
    'channels.',
)


@series(
    'robot',
    'What does a robot with an IMU at 200 Hz, a camera of 640x480 at 30 Hz and a microphone at '
    '16 kHz cost, all in one process?',
    reading='CPU is in percent of one core, memory resident, wake-ups those of all threads '
    'that are there at the end. Delays are from the end of a window to its label in another '
    'process. Of that, `wait` is until the first sample after the end is published, half of what '
    'lies between two on average: '
    '2.5 ms (IMU), 17 ms (camera) and 10 ms (sound); `bare` is the model alone by the clock, '
    'called over and over in a process of its own afterwards. Plain is a process of rclpy that '
    'hears the same topics with the same QoS and does nothing with them, of messages or (raw) of '
    'bytes; the last line is one that takes these as `perception` does at a hop of 0.5 s, and '
    'drops them. At a hop of 0.2 s, which holds no whole number of pictures at 8 Hz, windows of '
    'the camera have 10 pictures a second.',
    aims=(
        Aim('CPU %', at_most=8, where={'hop s': 0.2}),
        Aim('CPU %', at_most=6, where={'hop s': 0.5}),
        *(Aim('MB', at_most=300, where={'hop s': hop_s}) for hop_s in ROBOT_HOPS_S),
        Aim('p50 over bare, ms', at_most=15),
    ),
    limit='Of the CPU of `perception`, what the last line takes is that of taking bytes from the '
    'middleware. Of its memory with torch, importing that and rclpy is what the row `start` says. '
    'Of a delay, nothing can be decided before the wait is over, and a picture alone is waited '
    'for longer than 15 ms on average; what is left beside it and the model is the way of a '
    'sample there, its decoding and window, and the way of a label back.',
)
def robot(folder: Path) -> Iterator[Line]:
    """Listen to each configuration for a while."""
    for hop_s in ROBOT_HOPS_S:
        for runtime in ('onnx', 'torch'):
            about: dict[str, float | int | str] = {
                'process': f'perception, {runtime}',
                'hop s': hop_s,
            }
            yield from (about | line for line in _robot(folder, hop_s, runtime))
    for role, words in _PLAIN_PROCESSES.items():
        command = [SCRIPT, '--role', role]
        process, _ = _listen(command, PLAIN)
        yield {'process': words, **process}


def _robot(folder: Path, hop_s: float, runtime: str) -> Iterator[dict[str, float | int | str]]:
    """Give what the process takes, and then a line of each sensor."""
    models = {name: model(folder, name, hop_s, onnx=True) for name in SENSORS}
    settings = [
        f'sensors.{name}.{key}:={value}'
        for name, bundle in models.items()
        for key, value in (('model', bundle), ('topic', name), ('runtime', runtime))
    ]
    # Its messages do not say so.
    settings += ['sensors.audio.audio_rate:=16000', 'sensors.audio.audio_format:=F32LE']
    arguments = [word for setting in settings for word in ('-p', setting)]
    command = ['-m', 'xmodal_ros.nodes.perception', '--ros-args', *arguments]
    process, heard = _listen(command, 'listening on')
    yield process
    for name, labels in heard.items():
        bare_ms = 1e3 * _forwards(models[name], runtime).wall_s
        delay_ms = percentile(labels.delays_ms, 0.5)
        yield {
            'sensor': name,
            'labels': len(labels.delays_ms),
            'bare, ms': round(bare_ms, 1),
            'wait p50, ms': round(percentile(labels.waits_ms, 0.5), 1),
            'p50, ms': round(delay_ms, 1),
            'p95, ms': round(percentile(labels.delays_ms, 0.95), 1),
            'p50 over bare, ms': round(delay_ms - bare_ms, 1),
        }


def _listen(
    command: Sequence[str], active: str
) -> tuple[dict[str, float | int | str], dict[str, Heard]]:
    """Run a process beside the sensors; gives what it takes, and of each sensor the labels."""
    with (
        robot_environment() as environment,
        sensors(environment) as listen,
        node(command, environment, active) as process,
    ):
        listen(_SETTLE_S)
        before = spent(process.pid)
        heard = listen(BEAT_S)
        after = spent(process.pid)
    line: dict[str, float | int | str] = {
        'CPU %': round(100 * (after.cpu_s - before.cpu_s) / BEAT_S, 1),
        'MB': round(after.memory_mb),
        'wake-ups a second': round(after.wakeups_since(before) / BEAT_S),
    }
    return line, heard


def _forwards(path: Path, runtime: str, batch: int = 1) -> Cost:
    """Give what a window costs in forwards called over and over, the median of several turns."""
    from xmodal_ros.runtime.loading import load_model

    loaded = load_model(path, 'cpu', runtime=runtime)
    windows = np.zeros((batch, *loaded.info.window_shape), np.float32)
    loaded.probabilities(windows)
    turns = [cost_of(lambda: loaded.probabilities(windows), _CALLS) for _ in range(_TURNS)]
    return Cost(
        median(each.cpu_s for each in turns) / (_CALLS * batch),
        median(each.wall_s for each in turns) / (_CALLS * batch),
    )


@series(
    'sensors',
    'How does the CPU grow with the number of sensors, and with how often they are decided on?',
    reading='Of IMUs at 200 Hz in one process, without ROS: from bytes to decisions, in percent '
    'of one core. With few labels most of it is messages; with many, what a label costs stays, '
    'and is the last column. One inference thread decides for all.',
)
def sensors_and_hops(folder: Path) -> Iterator[Line]:
    """Push a stretch of simulated time through pipelines."""
    for count in (1, 4, 16):
        for hop_s in (1.0, 0.5, 0.1, 0.02):
            cpu_s, labels = _pipelines(folder, count, hop_s, 'onnx')
            yield {
                'sensors': count,
                'hop s': hop_s,
                'CPU %': round(100 * cpu_s / _STRETCH_S, 2),
                'labels': labels,
                'ms a label': round(1e3 * cpu_s / labels, 2),
            }


@series(
    'labels',
    'How many labels a second can one process give?',
    reading='Of 16 IMUs at 200 Hz with a hop of 20 ms, from bytes to decisions without ROS, in '
    'a second of CPU time. Without batching the last bits are those of an evaluation. `forwards '
    'alone` are those of the model in the same time, over and over, with batching of 64 windows.',
    aims=(Aim('labels a second', at_least=3000, where={'batching': 'true'}),),
    limit='No more can be had than forwards alone.',
)
def labels_a_second(folder: Path) -> Iterator[Line]:
    """Push a stretch of simulated time through pipelines."""
    for runtime, batching in itertools.product(('torch', 'onnx'), (False, True)):
        cpu_s, labels = _pipelines(folder, 16, 0.02, runtime, batching=batching)
        path = model(folder, 'imu', 0.02, onnx=True)
        alone = _forwards(path, runtime, _LARGEST_BATCH if batching else 1)
        yield {
            'runtime': runtime,
            'batching': str(batching).lower(),
            'labels a second': round(labels / cpu_s),
            'forwards alone': round(1 / alone.cpu_s),
        }


def _pipelines(
    folder: Path, count: int, hop_s: float, runtime: str, *, batching: bool = False
) -> tuple[float, int]:
    """Give the CPU time that a stretch of time takes, and how many labels come of it."""
    import time

    from xmodal_ros.modalities.imu.decoder import IMU_TYPE
    from xmodal_ros.modalities.imu.messages import imu_sample_message
    from xmodal_ros.runtime.inference import InferenceThread
    from xmodal_ros.runtime.models import ModelStore
    from xmodal_ros.runtime.pipeline import Feed, Pipeline, Received

    rate_hz = 200
    store, inference = ModelStore(), InferenceThread()
    path = model(folder, 'imu', hop_s, onnx=True)
    engine = store.engine(path, 'cpu', 'fp32', None, runtime)
    labels: list[object] = []

    def unexpected(where: str, error: Exception) -> None:
        raise RuntimeError(where) from error

    pipelines = [
        Pipeline(
            Feed(engine, IMU_TYPE),
            *(inference, 10_000, labels.append, unexpected),
            batching=batching,
        )
        for _ in range(count)
    ]
    start_ns, values = 1_700_000_000 * 10**9, np.ones(6)
    messages = [
        Received(imu_sample_message(start_ns + k * 10**9 // rate_hz, 'imu', values), 0)
        for k in range(_STRETCH_S * rate_hz)
    ]
    before = time.process_time()
    for pipeline in pipelines:
        for at in range(0, len(messages), 50):
            pipeline.push(pipeline.feed, partial(list, messages[at : at + 50]))
    for pipeline in pipelines:
        pipeline.finish(600)
    cpu_s = time.process_time() - before
    inference.close()
    return cpu_s, len(labels)

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

"""How what is done with a recording grows with its length."""

from collections.abc import Iterator
from pathlib import Path

from benchmarks.harness import cost_of, Line, peak_bytes, series
from benchmarks.material import bundle, repeated, SENSORS

_MINUTES = (1, 3, 15, 60, 600)


@series(
    'length of a recording',
    'What do inspecting and evaluating an IMU at 100 Hz cost, and how much memory, as the '
    'recording grows?',
    reading='Both grow as the messages do: CPU time a minute is what should stay. Inspecting has '
    'a part that does not grow, the messages that are looked into. It bends little: a minute of '
    '10 hours took half more of inspecting than one of 15 minutes in two runs, and of evaluating '
    'as much in one and a fifth more in the other, a fourth of that for Python to look for '
    'garbage among more objects. Peaks of memory are those of the process so far, and so of all '
    'lines above, too: the first is told after inspecting, which holds some 110 bytes of each '
    'message, the second after evaluating.',
)
def length(folder: Path) -> Iterator[Line]:
    """Measure in one process, which holds torch from the start on."""
    from xmodal_ros.bags.inspection import inspect_bag
    from xmodal_ros.bags.reading import BagReader
    from xmodal_ros.evaluation.scoring import evaluate_bag
    from xmodal_ros.runtime.devices import make_deterministic
    from xmodal_ros.runtime.engine import Engine
    from xmodal_ros.runtime.loading import load_model
    from xmodal_ros.runtime.offline import classify_bag, sensor_for

    make_deterministic()
    engine = Engine(load_model(bundle(folder, 'imu'), 'cpu'))
    engine.warm_up()
    for minutes in _MINUTES:
        bag = repeated(folder, minutes, topics=('/imu_wrist/data', '/activity_label'))

        def inspect(bag: Path = bag) -> None:
            with BagReader(bag) as reader:
                inspect_bag(reader)

        def evaluate(bag: Path = bag) -> None:
            with BagReader(bag) as reader:
                offline = classify_bag(engine, reader, sensor_for(engine, reader))
                evaluate_bag(engine.bundle.info, reader, SENSORS['imu'], offline)

        with BagReader(bag) as reader:
            messages = sum(topic.count for topic in reader.topics.values())
        if minutes == _MINUTES[0]:
            # Loads what is loaded once.
            inspect()
            evaluate()
        inspecting, inspected_bytes = cost_of(inspect).cpu_s, peak_bytes()
        evaluating = cost_of(evaluate).cpu_s
        yield {
            'minutes': minutes,
            'messages': messages,
            'inspect, CPU s': inspecting,
            'a minute, ms': 1e3 * inspecting / minutes,
            'peak so far, MB': round(inspected_bytes / 1e6),
            'evaluate, CPU s': evaluating,
            'a minute, ms ': 1e3 * evaluating / minutes,
            'peak so far, MB ': round(peak_bytes() / 1e6),
        }

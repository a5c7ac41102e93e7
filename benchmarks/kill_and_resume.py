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

"""Does a training run that is killed again and again give the very bundle of one that is not?

Simulated recordings, a target with a source and a guarded recipe, so that several classifiers are
trained one after the other. A run is killed (SIGKILL) at a random moment after its first word and
started again with --resume, until it has been killed so often; each time one gets through, its
weights are compared and it begins anew. After every kill, what lies where the bundle belongs must
be whole or not there.

    python benchmarks/kill_and_resume.py [--kills N] [--method M] [--bags FOLDER] [--json FILE]

Fails where a bundle is not the same to the last bit, or is half-written.
"""

import argparse
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
import json
from pathlib import Path
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time

from rich.console import Console

from xmodal_ros.models.configuration_bundle import check_bundle
from xmodal_ros.training.events import from_line, StageStarted

KILLS, SEED = 50, 0


@dataclass(frozen=True)
class Result:
    """What happened: in which stages runs were killed, and how many got through unchanged."""

    kills: int
    killed_in: dict[str, int]
    got_through: int
    equal: int
    bundles_seen_whole: int
    duration_s: float


class Run:
    """A training process, and the stages it has told of."""

    def __init__(self, command: Sequence[str]) -> None:
        self.stages: list[str] = []
        self.begun = threading.Event()
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self._listener = threading.Thread(target=self._listen)
        self._listener.start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            event = from_line(line)
            if isinstance(event, StageStarted):
                self.stages.append(event.stage)
            self.begun.set()
        self.begun.set()

    def ends_within(self, seconds: float | None) -> bool:
        """Wait for its end; kills it, and says so, when that takes longer."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return False
        finally:
            self._listener.join()
        if self.process.returncode:
            raise RuntimeError(f'the run failed after {self.stages}')
        return True


def measure(bags: Path, folder: Path, method: str, kills: int) -> Result:
    """Kill so many runs."""
    begun = time.monotonic()
    out = folder / 'bundle'
    command = [
        *(sys.executable, '-m', 'xmodal_ros.cli.main', 'train', str(bags), '--events'),
        *('--target', 'imu_wrist', '--method', method, '--epochs', '3'),
        *(() if method == 'unimodal' else ('--source', 'camera')),
        *('--test-subjects', 'subject_03', '--device', 'cpu', '--resume', '--out', str(out)),
    ]
    whole = Run(command)
    whole.begun.wait()
    first_word = time.monotonic()
    whole.ends_within(None)
    lasts_s = time.monotonic() - first_word
    expected = check_bundle(out)
    shutil.rmtree(out)
    rng = random.Random(SEED)
    killed: Counter[str] = Counter()
    got_through = equal = seen = 0
    while sum(killed.values()) < kills or not got_through:
        run = Run(command)
        run.begun.wait()
        done = sum(killed.values()) >= kills
        if run.ends_within(None if done else rng.uniform(0, lasts_s)):
            info = check_bundle(out)
            got_through += 1
            same = info.weights_sha256 == expected.weights_sha256
            equal += same and (info.temperature, info.scores) == (
                expected.temperature,
                expected.scores,
            )
            shutil.rmtree(out)
            continue
        killed[(run.stages or ['before the first stage'])[-1]] += 1
        if out.exists():
            check_bundle(out)
            seen += 1
    return Result(
        sum(killed.values()), dict(killed), got_through, equal, seen, time.monotonic() - begun
    )


def main() -> int:
    """Measure, print and judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--kills', type=int, default=KILLS)
    parser.add_argument('--method', default='xmodal')
    parser.add_argument('--bags', type=Path, help='simulated recordings of three people')
    parser.add_argument('--json', type=Path)
    arguments = parser.parse_args()
    console = Console()
    with tempfile.TemporaryDirectory() as name:
        bags = arguments.bags
        if bags is None:
            bags = Path(name) / 'bags'
            simulate = ('simulate', str(bags), '--subjects', '3', '--minutes', '1')
            subprocess.run([sys.executable, '-m', 'xmodal_ros.cli.main', *simulate], check=True)
        result = measure(bags, Path(name) / 'models', arguments.method, arguments.kills)
    console.print(asdict(result))
    if arguments.json:
        arguments.json.write_text(json.dumps(asdict(result), indent=2) + '\n')
    return int(result.equal != result.got_through)


if __name__ == '__main__':
    sys.exit(main())

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

"""Runs one case in a process of its own, and tells what it has done.

    python benchmarks/case_process.py CASE.py TOLD.json [ARGUMENT ...]

Cases name modules as they were called when they were written; where these have moved, the new ones
answer. Of a live case the nodes are waited for, however slow the machine is, and what was heard of
them is written to TOLD.json.
"""

import json
import os
from pathlib import Path
import runpy
import sys
import time
from types import ModuleType
from typing import Any, Final

from xmodal_ros.modalities.audio import contents as audio_contents
from xmodal_ros.modalities.audio import decoder as audio
from xmodal_ros.modalities.camera.decoder import CameraDecoder
from xmodal_ros.modalities.camera.stream import COMPRESSED_TYPE, IMAGE_TYPE

_PATIENCE_S: Final = 180.0
# A case that sleeps for so long waits for nodes that it has started.
_STARTING_S: Final = 5.0
_CHUNKS: Final = 100


class _DoubtingDecoder(audio.AudioDecoder):
    """Says what is doubtful about sound that goes on as one chunk does."""

    def __call__(self, data: bytes, received_ns: int = 0) -> Any:
        sample = super().__call__(data, received_ns)
        found = audio_contents.measure([[sample] * _CHUNKS], None)
        for problem in found.check():
            print(f'doubt {problem.code}: {problem}')
        return sample


def _answer_by_old_names() -> None:
    camera, sound = ModuleType('camera'), ModuleType('audio')
    camera.__dict__.update(
        CameraDecoder=CameraDecoder, IMAGE_TYPE=IMAGE_TYPE, COMPRESSED_TYPE=COMPRESSED_TYPE
    )
    sound.__dict__.update(vars(audio), AudioDecoder=_DoubtingDecoder)
    sys.modules['xmodal_ros.streams.camera'] = camera
    sys.modules['xmodal_ros.streams.audio'] = sound


class _Live:
    """What a live case hears, and the nodes that it starts."""

    def __init__(self, rig: Any, told: Path) -> None:
        self.rigs: list[Any] = []
        self.told, self.nodes, self.started = told, 0, False
        self._sleep, self._exit = time.sleep, os._exit
        self._begin(rig)

    def _begin(self, module: Any) -> None:
        begin, start = module.Rig.__init__, module.start

        def begin_and_note(rig: Any, *arguments: Any) -> None:
            begin(rig, *arguments)
            self.rigs.append(rig)

        def start_and_count(*arguments: Any) -> Any:
            self.nodes += 1
            return start(*arguments)

        module.Rig.__init__, module.start = begin_and_note, start_and_count
        time.sleep, os._exit = self.sleep, self.exit

    def ready(self) -> bool:
        """Tell whether every node that was started has said that it works."""
        said = {
            name: message
            for rig in self.rigs
            for name, (_, message) in rig.diag.items()
            if 'classifier' in name or 'selector' in name
        }
        idle = ('unconfigured', 'inactive', 'loading')
        return sum(not message.startswith(idle) for message in said.values()) >= self.nodes

    def sleep(self, seconds: float) -> None:
        """Sleep as told, and longer where nodes need it to start."""
        self._sleep(seconds)
        if self.started or seconds <= _STARTING_S:
            return
        until = time.monotonic() + _PATIENCE_S
        while not self.ready():
            if time.monotonic() > until:
                raise TimeoutError(f'{self.nodes} nodes were started, and did not begin')
            self._sleep(0.2)
        self.started = True

    def exit(self, code: int) -> None:
        """Write what was heard, then end."""
        heard: dict[str, list[Any]] = {'labels': [], 'diagnostics': []}
        for rig in self.rigs:
            heard['labels'] += [list(row) for row in rig.log]
            heard['diagnostics'] += [list(row) for row in rig.diags]
        self.told.write_text(json.dumps(heard), encoding='utf-8')
        sys.stdout.flush()
        self._exit(code)


def _main() -> None:
    case, told, *arguments = sys.argv[1:]
    sys.path[:0] = [str(Path(case).parent), '.']
    sys.argv = [case, *arguments]
    _answer_by_old_names()
    if 'from rig import' in Path(case).read_text(encoding='utf-8') and arguments != ['bag']:
        import rig

        _Live(rig, Path(told))
    runpy.run_path(case, run_name='__main__')


if __name__ == '__main__':
    _main()

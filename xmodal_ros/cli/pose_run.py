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

"""What ``xmodal pose`` does, apart from its options."""

from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from xmodal_ros.bags.reading import BagReader
from xmodal_ros.cli.progress import ProgressBars
from xmodal_ros.cli.result import write_result
from xmodal_ros.pose.loading import load_estimator
from xmodal_ros.pose.recording import add_skeletons, find_camera


def run(bag: Path, out: Path, weights: Path, camera: str, topic: str, json: Path | None) -> None:
    """Add skeletons, and say what came of the pictures. Raises :class:`XmodalError` subclasses."""
    console = Console(stderr=True)
    with BagReader(bag) as reader, ProgressBars(console, transient=True) as bars:
        sensor = find_camera(reader, camera)
        added = add_skeletons(reader, out, load_estimator(weights), sensor, topic, bars)
        if added.left_out:
            said = ', '.join(f'{name} ({why})' for name, why in added.left_out.items())
            bars.note(f'left out: {said}')
        if added.refused:
            bars.note(f'{sum(added.refused.values())} pictures cannot be used: {added.refusal}')
    console.print(
        f'{escape(str(out))}: {added.skeletons} skeletons on {escape(topic)}, of {added.pictures} '
        f'pictures; nobody in {added.nobody}',
        soft_wrap=True,
        highlight=False,
    )
    write_result(json, {'path': str(out), 'topic': topic, **asdict(added)})

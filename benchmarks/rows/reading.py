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

"""What it costs to look through recordings."""

from collections.abc import Iterator
from pathlib import Path

from benchmarks.harness import row, Sides
from benchmarks.material import repeated

_MINUTES = 15


@row(
    'inspect',
    'What does it cost to see what an indexed recording holds?',
    aim=0.2,
    ours='what `xmodal inspect` does with an mcap file as rosbag2 writes it by default',
    plain='iterating over its messages with rosbags',
    limit='Two fifths of it are reading the first bytes of each message, which says that the '
    'index names them all and gives their stamps, a sixth what stamps tell, a tenth labels; the '
    'rest, messages that are looked into and metadata.yaml, does not grow with the recording.',
)
def inspect(folder: Path) -> Iterator[Sides]:
    """Compare in one process, without the imports."""
    yield _inspecting(repeated(folder, _MINUTES))


@row(
    'inspect compressed',
    'And where its chunks are compressed?',
    aim=0.2,
    ours='what `xmodal inspect` does with an mcap file of chunks compressed by zstd',
    plain='iterating over its messages with rosbags',
    limit='Stamps and contents are of 24 chunks of 148, but 145 hold labels and are decompressed '
    'up to the last of them, which alone is 0.14 of what plain takes. The same recording without '
    'labels takes 0.16.',
)
def inspect_compressed(folder: Path) -> Iterator[Sides]:
    """Compare in one process, without the imports."""
    yield _inspecting(repeated(folder, _MINUTES, compressed=True))


def _inspecting(bag: Path) -> Sides:
    from rosbags.rosbag2 import Reader

    from xmodal_ros.bags.inspection import inspect_bag
    from xmodal_ros.bags.reading import BagReader

    def ours() -> None:
        with BagReader(bag) as reader:
            inspect_bag(reader)

    def plain() -> None:
        with Reader(bag) as reader:
            for _ in reader.messages():
                pass

    with Reader(bag) as reader:
        note = f'{reader.message_count} messages in {_MINUTES} minutes'
    return Sides(ours, plain, unit='recording', note=note)

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

"""What rows measure with: simulated recordings, and bundles that were trained on them.

Everything is made once a run, in the folder that each row is given.
"""

from collections.abc import Collection
from pathlib import Path
import struct
import subprocess
import sys
from typing import Final

from benchmarks.harness import once
from xmodal_ros.bags.message_types import has_stamp, TYPESTORE
from xmodal_ros.bags.reading import BagReader
from xmodal_ros.streams.cdr import read_stamp_ns
from xmodal_ros.windows.windowing import SECOND_NS

SUBJECTS: Final = 4
MINUTES: Final = 3
SENSORS: Final = {'imu': 'imu_wrist', 'camera': 'camera', 'audio': 'microphone'}
"""The sensor of the recordings that each modality's bundle is of."""


def recordings(folder: Path) -> list[Path]:
    """Give simulated recordings of people, with IMUs, camera and microphone, mcap and labelled."""

    def simulate(path: Path) -> None:
        xmodal('simulate', path, '--subjects', SUBJECTS, '--minutes', MINUTES)

    return sorted(each.parent for each in once(folder / 'recordings', simulate).glob('*/*.yaml'))


def bundle(folder: Path, modality: str) -> Path:
    """Give a bundle with the net that is trained by default, after few steps of training."""
    bags = recordings(folder)

    def train(path: Path) -> None:
        xmodal(
            *(
                'train',
                bags[0],
                bags[-1],
                '--target',
                SENSORS[modality],
                '--out',
                path,
                '--no-cache',
            ),
            *('--test-subjects', bags[-1].name, '--epochs', 1),
            *('--encoder', f'{modality}={_ENCODERS[modality]}'),
        )

    return once(folder / 'bundles' / modality, train)


_ENCODERS: Final = {'imu': 'imu_cnn', 'camera': 'camera_cnn', 'audio': 'audio_bcresnet'}


def xmodal(*words: object) -> None:
    """Run the command; raises :class:`subprocess.CalledProcessError` where it fails."""
    command = [sys.executable, '-m', 'xmodal_ros.cli.entry', *map(str, words)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def repeated(
    folder: Path,
    minutes: int,
    *,
    number: int = 0,
    compressed: bool = False,
    topics: Collection[str] | None = None,
) -> Path:
    """Give a recording of so many minutes, one of :func:`recordings` over and over.

    Of fewer than it has, its beginning. Stamps and times of recording go on. Its chunks are
    compressed as the simulator and some recorders do, or not, as rosbag2 writes them by default.
    """
    bag = recordings(folder)[number]

    def write(path: Path) -> None:
        from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer

        writer = Writer(path, version=9, storage_plugin=StoragePlugin.MCAP)
        if compressed:
            writer.set_compression(CompressionMode.STORAGE, CompressionFormat.ZSTD)
        with BagReader(bag) as reader, writer:
            for key, value in reader.metadata.items():
                writer.set_custom_data(key, value)
            known = {
                topic.name: writer.add_connection(topic.name, topic.msgtype, typestore=TYPESTORE)
                for topic in reader.topics.values()
                if topics is None or topic.name in topics
            }
            messages = [*reader.messages(known)]
            end_ns = messages[0].received_ns + minutes * 60 * SECOND_NS
            for turn in range(-(-minutes // MINUTES)):
                shift_ns = turn * MINUTES * 60 * SECOND_NS
                for each in messages:
                    received_ns = each.received_ns + shift_ns
                    if received_ns >= end_ns:
                        break
                    data = bytearray(each.data)
                    if has_stamp(each.msgtype):
                        stamp_ns = read_stamp_ns(each.data) + shift_ns
                        struct.pack_into('<iI', data, 4, *divmod(stamp_ns, SECOND_NS))
                    writer.write(known[each.topic], received_ns, bytes(data))

    name = f'repeated_{minutes}' + (f'_{number}' if number else '')
    name += '_compressed' if compressed else ''
    name += '' if topics is None else '_' + '_'.join(topics).replace('/', '_')
    return once(folder / name, write)

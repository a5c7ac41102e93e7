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

"""One recording open for the page: blocks on demand, an overview made in the background."""

from collections import OrderedDict
from pathlib import Path
import threading
import time
from typing import Final, Self

from xmodal_ros.bags.reading import BagReader
from xmodal_ros.errors import BagError, ConfigurationError
from xmodal_ros.labelling.blocks import Block, BLOCK_NS, glance, read_block
from xmodal_ros.media.film import Film, FilmLane
from xmodal_ros.media.tracks import find_tracks, within
from xmodal_ros.streams.cdr import read_stamp_ns
from xmodal_ros.streams.sample import DecodeError

_BLOCKS_KEPT: Final = 32
_SECOND_NS: Final = 1_000_000_000
# Pictures are asked for one after the other: a second of them is read at once.
_PICTURE_BYTES_KEPT: Final = 96 << 20
# While a person plays the recording, the overview takes a quarter of the time.
_RECENTLY_S: Final = 1.0


class Recording:
    """The recording at ``path`` for the page; threads may share it.

    ``tracks`` are its sensors, ``block_count`` the blocks of ten seconds from ``start_ns`` on.
    A background thread makes the overview until :meth:`close`. Raises :class:`BagError` when the
    recording cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._reader = BagReader(path)
        try:
            self.tracks = tuple(within(self._reader, t) for t in find_tracks(self._reader))
        except BaseException:
            self._reader.close()
            raise
        self.name, self.subject = self._reader.name, self._reader.subject
        self.start_ns, self.end_ns = self._reader.start_ns, self._reader.end_ns
        self.block_count = (self.end_ns - self.start_ns) // BLOCK_NS + 1
        self._blocks: OrderedDict[int, Block] = OrderedDict()
        self._messages: OrderedDict[tuple[int, int, int], bytes] = OrderedDict()
        self._message_bytes = 0
        self._glances: list[Block] = []
        self.damage = ''
        self._asked_s = float('-inf')
        self._ended = threading.Event()
        self._survey = threading.Thread(target=self._look_through, name='overview', daemon=True)
        self._survey.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the overview and close the files."""
        self._ended.set()
        self._survey.join()
        with self._lock:
            self._reader.close()

    def block(self, index: int) -> Block:
        """Give a block, read when nobody asked for it lately.

        Raises :class:`ConfigurationError` when there is no such block, :class:`BagError` when
        the recording is damaged there or closed.
        """
        if not 0 <= index < self.block_count:
            raise ConfigurationError(f'{self.name} has no block {index}')
        self._asked_s = time.monotonic()
        with self._lock:
            if index not in self._blocks:
                start_ns = self.start_ns + index * BLOCK_NS
                self._blocks[index] = read_block(self._reader, self.tracks, start_ns)
                if len(self._blocks) > _BLOCKS_KEPT:
                    self._blocks.popitem(last=False)
            self._blocks.move_to_end(index)
            return self._blocks[index]

    def picture(self, track: int, index: int, number: int) -> bytes:
        """Give picture ``number`` of block ``index`` of a camera as JPEG.

        Raises :class:`ConfigurationError` when there is none, :class:`BagError` like
        :meth:`block`.
        """
        film = self.block(index).get(track)
        lane = self.tracks[track].lane if film is not None else None
        if (
            not isinstance(film, Film)
            or not isinstance(lane, FilmLane)
            or not 0 <= number < len(film.stamps_ns)
        ):
            raise ConfigurationError(f'{self.name} has no picture {track}/{index}/{number}')
        stamp_ns, received_ns = int(film.stamps_ns[number]), int(film.received_ns[number])
        key = (track, received_ns, stamp_ns)
        with self._lock:
            if key not in self._messages:
                self._fetch(track, received_ns)
            self._messages.move_to_end(key)
            message = self._messages[key]
        return lane.maker(message)

    def glances(self, first: int) -> tuple[Block, ...]:
        """Give the overview of the blocks from ``first`` on, as far as it is made."""
        return tuple(self._glances[max(0, first) :])

    def _fetch(self, track: int, received_ns: int) -> None:
        topic = self.tracks[track].sensor.topic
        stop_ns = received_ns + _SECOND_NS
        fetched = 0
        for message in self._reader.messages([topic], received_ns, stop_ns):
            try:
                key = (track, message.received_ns, read_stamp_ns(message.data))
            except DecodeError:
                continue
            fetched += len(message.data)
            if fetched > _PICTURE_BYTES_KEPT // 2 and message.received_ns > received_ns:
                break
            if key not in self._messages:
                self._messages[key] = message.data
                self._message_bytes += len(message.data)
        while self._message_bytes > _PICTURE_BYTES_KEPT and len(self._messages) > 1:
            oldest = next(iter(self._messages))
            if oldest[1] >= received_ns and oldest[0] == track and oldest[1] < stop_ns:
                break
            self._message_bytes -= len(self._messages.pop(oldest))

    def _look_through(self) -> None:
        """Make the overview, block by block from the start."""
        try:
            # One of its own, so that it never has the page wait.
            with BagReader(self._reader.path) as reader:
                for index in range(self.block_count):
                    began_s = time.monotonic()
                    block = read_block(reader, self.tracks, self.start_ns + index * BLOCK_NS)
                    self._glances.append(glance(block))
                    ended_s = time.monotonic()
                    busy = ended_s - self._asked_s < _RECENTLY_S
                    if self._ended.wait(3 * (ended_s - began_s) if busy else 0):
                        return
        except BagError as error:
            self.damage = str(error)

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

"""Recordings of strangers: nothing outside the folder is read, nothing without bound is made."""

from contextlib import closing
import io
from pathlib import Path
import sqlite3
import struct
import tracemalloc
import zipfile

from backports import zstd
from lz4.frame import compress as compress_lz4  # type: ignore[import-untyped]
import numpy as np
import pytest

from test.bags.recordings import storage_of, write_imu_bag
from test.bags.storage_files import channel, MAGIC, McapParts, message, record, schema
from test.messages import imu_bytes
from xmodal_ros.bags import compression
from xmodal_ros.bags.compression import decompress_file, decompress_lz4, decompress_zstd
from xmodal_ros.bags.importers.arrays import load_arrays
from xmodal_ros.bags.reading import BagReader
from xmodal_ros.errors import BagError

MIB = 1 << 20
PART = compression._PART


@pytest.mark.parametrize('name', ['../outside.mcap', '..', '/etc/passwd', '..\\outside.mcap', ''])
def test_metadata_names_files_of_the_folder_alone(tmp_path: Path, name: str) -> None:
    bag = write_imu_bag(tmp_path / 'bag')
    outside = storage_of(write_imu_bag(tmp_path / 'other'))
    outside.rename(tmp_path / 'outside.mcap')
    metadata = bag / 'metadata.yaml'
    listed = storage_of(bag).name
    metadata.write_text(metadata.read_text().replace(listed, repr(name)))
    with pytest.raises(BagError) as refused, BagReader(bag):
        pass
    assert 'passwd' not in str(refused.value) or 'lacks' in str(refused.value)


@pytest.mark.parametrize(
    ('pack', 'unpack'), [(zstd.compress, decompress_zstd), (compress_lz4, decompress_lz4)]
)
def test_little_that_would_become_much_is_refused(pack, unpack) -> None:
    bomb = pack(bytes(64 * MIB))
    assert len(bomb) < MIB
    with pytest.raises(ValueError, match='would be more than 1000 bytes'):
        unpack(bomb, 1000)
    assert unpack(bomb, 64 * MIB) == bytes(64 * MIB)
    with pytest.raises(EOFError):
        unpack(bomb[:-5], 64 * MIB)


@pytest.mark.parametrize(
    ('pack', 'unpack'), [(zstd.compress, decompress_zstd), (compress_lz4, decompress_lz4)]
)
@pytest.mark.parametrize('more', [-PART, 1 - PART, -1, 0, 1, 4 * PART + 3])
def test_what_is_decompressed_in_parts_is_whole(pack, unpack, more: int) -> None:
    """Of data that get smaller and others that do not, by parts and a byte off."""
    noise = np.random.default_rng(more + PART).integers(0, 256, PART + more, np.uint8).tobytes()
    for data in (noise, bytes(PART + more), noise + bytes(3 * PART) + noise):
        assert unpack(pack(data), len(data)) == data
        assert unpack(pack(data) * 2, 2 * len(data)) == data * 2
        with pytest.raises(EOFError):
            unpack(pack(data)[:-1], len(data))
        if data:
            with pytest.raises(ValueError, match='would be more'):
                unpack(pack(data), len(data) - 1)


def test_frames_that_follow_each_other_count_together() -> None:
    frames = zstd.compress(b'ab') + zstd.compress(b'cd')
    assert decompress_zstd(frames, 4) == b'abcd'
    with pytest.raises(ValueError, match='more than 3'):
        decompress_zstd(frames, 3)


@pytest.mark.parametrize('claimed', [10, 1 << 40])
def test_a_chunk_that_is_more_than_it_says_or_says_too_much_is_refused(
    tmp_path: Path, claimed: int
) -> None:
    packed = zstd.compress(bytes(8 * MIB))
    chunk = struct.pack('<QQQI', 0, 1, claimed, 0) + struct.pack('<I4sQ', 4, b'zstd', len(packed))
    header = record(1, struct.pack('<II', 0, 0))
    footer = record(2, bytes(20))
    file = tmp_path / 'a.mcap'
    file.write_bytes(MAGIC + header + record(6, chunk + packed) + footer + MAGIC)
    with pytest.raises(BagError, match=r'more than 10 bytes|claims to be'), BagReader(file):
        pass


def test_a_compressed_file_does_not_take_the_last_of_a_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = tmp_path / 'a.mcap.zstd'
    packed.write_bytes(zstd.compress(bytes(4 * MIB)))
    monkeypatch.setattr(compression, '_LEFT_FREE', 1 << 60)
    (tmp_path / 'there').mkdir()
    with pytest.raises(OSError, match='No space left'):
        decompress_file(packed, tmp_path / 'there')
    with pytest.raises(BagError, match='no room in'), BagReader(packed):
        pass


def test_a_view_in_the_place_of_a_table_is_not_asked(tmp_path: Path) -> None:
    file = tmp_path / 'a.db3'
    endless = 'WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT'
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(
            'CREATE TABLE topics (id INTEGER, name TEXT, type TEXT, serialization_format TEXT)'
        )
        connection.execute(
            f'CREATE VIEW messages AS {endless} n AS id, 1 AS topic_id, n AS timestamp, '
            "x'00' AS data FROM t"
        )
    with pytest.raises(BagError, match='has no table messages'), BagReader(file):
        pass


def test_an_archive_neither_unpickles_nor_claims_more_than_a_data_set_has(tmp_path: Path) -> None:
    file = tmp_path / 'a.npz'
    np.savez(file, imu=np.array([print], dtype=object))
    with pytest.raises(BagError, match='allow_pickle=False'):
        load_arrays(file, ['imu'], 'missing')
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {'shape': (1 << 40,), 'fortran_order': False, 'descr': '<f8'}
    )
    with zipfile.ZipFile(file, 'w') as archive:
        archive.writestr('imu.npy', header.getvalue())
    with pytest.raises(BagError, match='is no archive with the arrays imu'):
        load_arrays(file, ['imu'], 'missing')


def chunk(raw: bytes, compression: str = '') -> bytes:
    """A chunk of an mcap file whose times say nothing."""
    packed = zstd.compress(raw) if compression else raw
    named = struct.pack('<I', len(compression)) + compression.encode()
    head = struct.pack('<QQQI', 0, 1000, len(raw), 0)
    return record(6, head + named + struct.pack('<Q', len(packed)) + packed)


def test_of_messages_that_become_large_one_is_in_memory_at_a_time(tmp_path: Path) -> None:
    large = zstd.compress(bytes(16 * MIB))
    raw = b''.join(message(time_ns, large) for time_ns in range(1, 17))
    parts = McapParts().add(schema(), channel(), chunk(raw))
    tracemalloc.start()
    try:
        with BagReader(parts.write(tmp_path / 'bag.mcap')) as reader:
            assert sum(len(each.data) for each in reader.messages()) == 16 * 16 * MIB
        assert tracemalloc.get_traced_memory()[1] < 80 * MIB
    finally:
        tracemalloc.stop()


def test_messages_before_a_damaged_one_are_given(tmp_path: Path) -> None:
    whole = zstd.compress(imu_bytes(5))
    raw = b''.join(message(n, whole if n < 10 else whole[:-3]) for n in range(1, 11))
    bag = McapParts().add(schema(), channel(), chunk(raw)).write(tmp_path / 'bag.mcap')
    with BagReader(bag) as reader:
        messages = reader.messages()
        assert [next(messages).received_ns for _ in range(9)] == [*range(1, 10)]
        with pytest.raises(BagError, match='truncated or damaged'):
            next(messages)


def test_a_chunk_may_hold_nothing(tmp_path: Path) -> None:
    filled = chunk(message(5), 'zstd')
    bag = McapParts().add(schema(), channel(), chunk(b'', 'zstd'), filled)
    with BagReader(bag.write(tmp_path / 'bag.mcap')) as reader:
        assert len(list(reader.messages())) == 1

"""Read the bag metadata that rosbag2 keeps inside an mcap file too.

An mcap file that was moved or mended without its folder still knows subject and sensors.
The layout is that of https://mcap.dev/spec.
"""

from pathlib import Path
import struct
from typing import BinaryIO, Final

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

_MAGIC_BYTES: Final = 8
_FOOTER: Final = struct.Struct('<BQQQI')
_RECORD: Final = struct.Struct('<BQ')
_FOOTER_OPCODE, _METADATA_OPCODE, _METADATA_INDEX_OPCODE = 0x02, 0x0C, 0x0D
_RECORD_NAME: Final = 'rosbag2'
_KEY: Final = 'serialized_metadata'


def read_custom_data(file: Path) -> dict[str, str]:
    """Give the ``custom_data`` that rosbag2 stored in a closed mcap file; {} where there is none.

    Raises OSError or struct.error for a file that is not what its end says.
    """
    with file.open('rb') as stream:
        for offset in _metadata_offsets(stream):
            stream.seek(offset)
            opcode, size = _RECORD.unpack(stream.read(_RECORD.size))
            if opcode != _METADATA_OPCODE:
                continue
            name, position = _string(record := stream.read(size), 0)
            if name != _RECORD_NAME:
                continue
            entries: dict[str, str] = {}
            position += 4
            while position < len(record):
                key, position = _string(record, position)
                entries[key], position = _string(record, position)
            return _custom_data(entries.get(_KEY, ''))
    return {}


def _metadata_offsets(stream: BinaryIO) -> list[int]:
    """Find the metadata records by the index in the file's summary section."""
    stream.seek(-(_FOOTER.size + _MAGIC_BYTES), 2)
    opcode, _, summary_start, _, _ = _FOOTER.unpack(stream.read(_FOOTER.size))
    offsets: list[int] = []
    if opcode != _FOOTER_OPCODE or summary_start == 0:
        return offsets
    stream.seek(summary_start)
    while True:
        opcode, size = _RECORD.unpack(stream.read(_RECORD.size))
        if opcode == _FOOTER_OPCODE:
            return offsets
        if opcode == _METADATA_INDEX_OPCODE:
            offsets.append(struct.unpack_from('<Q', stream.read(size))[0])
        else:
            stream.seek(size, 1)


def _string(record: bytes, position: int) -> tuple[str, int]:
    (length,) = struct.unpack_from('<I', record, position)
    end = position + 4 + length
    return record[position + 4 : end].decode('utf-8', 'replace'), end


def _custom_data(text: str) -> dict[str, str]:
    try:
        document = YAML(typ='safe').load(text)
    except YAMLError:
        return {}
    custom = document.get('custom_data') if isinstance(document, dict) else None
    if not isinstance(custom, dict):
        return {}
    return {str(key): str(value) for key, value in custom.items()}

"""What it costs to look through recordings."""

from collections.abc import Iterator
from pathlib import Path

from benchmarks.harness import row, Sides
from benchmarks.material import recordings


@row(
    'inspect',
    'What does it cost to see what an indexed recording holds?',
    aim=0.2,
    ours='what `xmodal inspect` does with an mcap file',
    plain='iterating over its messages with rosbags',
)
def inspect(folder: Path) -> Iterator[Sides]:
    """Compare in one process, without the imports."""
    from rosbags.rosbag2 import Reader

    from xmodal_ros.bags.inspection import inspect_bag
    from xmodal_ros.bags.reading import BagReader

    bag = recordings(folder)[0]

    def ours() -> None:
        with BagReader(bag) as reader:
            inspect_bag(reader)

    def plain() -> None:
        with Reader(bag) as reader:
            for _ in reader.messages():
                pass

    with Reader(bag) as reader:
        note = f'{reader.message_count} messages'
    yield Sides(ours, plain, unit='recording', note=note)

"""Find topics of a recording that matter to a robot's models; without torch, for launch files."""

from collections.abc import Iterable
import json
from pathlib import Path

from xmodal_ros.bags.reading import BagReader
from xmodal_ros.errors import BundleError


def bag_topic(bag: Path, bundle: Path) -> str:
    """Give the topic of the bag's sensor that bears the name of the bundle's.

    Raises :class:`BundleError` when there is no bundle, and :class:`BagError` when the bag has no
    such sensor, naming those it has.
    """
    document = bundle / 'bundle.json'
    try:
        sensor = str(json.loads(document.read_text(encoding='utf-8'))['sensor'])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BundleError(
            f'{bundle} is no bundle ({error}): give the folder that training wrote'
        ) from None
    with BagReader(bag) as reader:
        return reader.sensor(sensor).topic


def recorded(bag: Path, topics: Iterable[str], namespace: str) -> list[str]:
    """Give the full names of those topics that the bag holds; others play no part in a replay.

    Raises :class:`BagError` when the bag cannot be read.
    """
    with BagReader(bag) as reader:
        full = [topic if topic.startswith('/') else f'{namespace}/{topic}' for topic in topics]
        return [
            name for name in (f'/{topic.strip("/")}' for topic in full) if name in reader.topics
        ]

"""Find the topic of a recording that a bundle was made for; without torch, for launch files."""

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

"""Find topics of a recording that matter to a robot's models; without torch, for launch files."""

from collections.abc import Iterable
from pathlib import Path

from xmodal_ros.bags.audio_format import read_audio_format
from xmodal_ros.bags.reading import BagReader
from xmodal_ros.modalities.sensor import Sensor
from xmodal_ros.models.configuration_bundle import read_bundle_info
from xmodal_ros.streams.placement import angles_from_rotation
from xmodal_ros.tools.replay.child_node import Setting


def bag_topic(bag: Path, bundle: Path) -> str:
    """Give the topic of the bag's sensor that bears the name of the bundle's.

    Raises :class:`BundleError` when there is no bundle, and :class:`BagError` when the bag has no
    such sensor, naming those it has.
    """
    sensor = read_bundle_info(bundle).sensor
    with BagReader(bag) as reader:
        return reader.sensor(sensor).topic


def window_s(bundle: Path) -> float:
    """Give the length of a bundle's windows in seconds; raises :class:`BundleError`."""
    return read_bundle_info(bundle).window.length_ns / 1e9


def settings_on(bag: Path, topic: str) -> dict[str, Setting]:
    """Give :func:`sensor_settings` of the bag's sensor on a topic; none where there is none."""
    with BagReader(bag) as reader:
        found = [sensor for sensor in reader.sensors if sensor.topic == topic]
        return sensor_settings(reader, found[0]) if found else {}


def sensor_settings(reader: BagReader, sensor: Sensor) -> dict[str, Setting]:
    """Give the parameters by which a node reads a sensor's messages as its bag declares them."""
    settings: dict[str, Setting] = {}
    if sensor.placement.rotation is not None:
        settings['mounting_rotation'] = [*angles_from_rotation(sensor.placement.rotation)]
    if sensor.placement.region is not None:
        settings['region_of_interest'] = [*sensor.placement.region]
    audio = read_audio_format(reader, sensor.topic)
    if audio is not None:
        settings |= {
            'audio_rate': audio.rate_hz,
            'audio_channels': audio.channels,
            'audio_format': audio.sample_format,
        }
    return settings


def recorded(bag: Path, topics: Iterable[str], namespace: str) -> list[str]:
    """Give the full names of those topics that the bag holds; others play no part in a replay.

    Raises :class:`BagError` when the bag cannot be read.
    """
    with BagReader(bag) as reader:
        full = [topic if topic.startswith('/') else f'{namespace}/{topic}' for topic in topics]
        return [
            name for name in (f'/{topic.strip("/")}' for topic in full) if name in reader.topics
        ]

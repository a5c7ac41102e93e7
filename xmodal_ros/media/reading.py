"""What the sensors of a recording saw, felt and heard, small enough to put into a page."""

from dataclasses import dataclass
from typing import Any

from xmodal_ros.bags.reading import BagReader
from xmodal_ros.media.film import Film
from xmodal_ros.media.lane import fill, Kind, KINDS, Lane
from xmodal_ros.media.motion import Trace
from xmodal_ros.media.sound import Sound
from xmodal_ros.media.span import Span
from xmodal_ros.media.tracks import find_tracks
from xmodal_ros.sensors import MODALITIES


@dataclass(frozen=True, eq=False)
class Media:
    """The thumbnails, traces and spectrograms of one recording.

    ``missing`` says in words which sensors could not be shown, and why.
    """

    films: tuple[Film, ...] = ()
    traces: tuple[Trace, ...] = ()
    sounds: tuple[Sound, ...] = ()
    missing: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """Give all of it as JSON for a page that holds it."""
        rows = {kind: [each.row() for each in getattr(self, kind)] for kind in KINDS}
        return rows | {'missing': list(self.missing)}


def read_media(reader: BagReader, span: Span, budget: int) -> Media:
    """Read what all sensors of a recording gave during ``span``, in at most ``budget`` bytes.

    The budget is divided over the sensors; where it is small there are fewer and coarser
    pictures, columns and points. One pass over the recording. Messages that cannot be decoded are
    left out. Raises :class:`BagError` where the recording is damaged.
    """
    tracks = [track for track in find_tracks(reader) if track.sensor.modality in MODALITIES]
    makers = [(track.sensor, track.maker) for track in tracks if track.maker]
    shares = sum(maker.share for _, maker in makers)
    by_topic: dict[str, list[Lane]] = {}
    lanes: list[tuple[Lane, int]] = []
    for sensor, maker in makers:
        portion = budget * maker.share // shares
        lanes.append((maker.lane(sensor.name, span, portion), portion))
        by_topic.setdefault(sensor.topic, []).append(lanes[-1][0])
    fill(reader, by_topic)
    found: dict[Kind, list[Any]] = {kind: [] for kind in KINDS}
    for lane, portion in lanes:
        strip = lane.finish()
        found[strip.kind] += strip.rows(portion)
    missing = tuple(f'{each.sensor.name}: {each.problem}' for each in tracks if each.problem)
    return Media(*map(tuple, found.values()), missing)

"""From one sensor's serialized messages to its windows: the path bags and robots share."""

from collections import Counter
from collections.abc import Iterable, Iterator

from xmodal_ros.streams.sample import DecodeError
from xmodal_ros.streams.specification import make_decoder, StreamSpec
from xmodal_ros.windows.assembler import Window, WindowAssembler
from xmodal_ros.windows.resampling import Interpolation
from xmodal_ros.windows.specification import WindowSpec


class SensorIntake:
    """Decode and window one sensor's messages; nothing a message holds raises.

    ``received`` counts messages, ``drops`` those not used, by reason; ``complaint`` is the last
    refused message's error in words, '' when the newest message was good.
    """

    def __init__(self, stream: StreamSpec, window: WindowSpec, msgtype: str) -> None:
        interpolation: Interpolation = 'linear' if stream.modality == 'imu' else 'nearest'
        self._decode = make_decoder(stream, msgtype)
        self._assembler = WindowAssembler(window, interpolation)
        self._refused: Counter[str] = Counter()
        self.received = 0
        self.complaint = ''

    @property
    def drops(self) -> dict[str, int]:
        """Messages not used, by reason."""
        late = {name: n for name, n in self._assembler.clock.counts.items() if name != 'reset'}
        return {**self._refused, **late}

    @property
    def resets(self) -> int:
        """How often the stream started anew because time jumped."""
        return self._assembler.clock.counts['reset']

    def reset(self) -> None:
        """Start the stream anew, as after a jump of ROS time."""
        self._assembler.reset()

    def push(self, data: bytes) -> list[Window]:
        """Take one serialized message and give the windows that are due, oldest first."""
        self.received += 1
        try:
            sample = self._decode(data)
        except DecodeError as error:
            self._refused[error.reason] += 1
            self.complaint = str(error)
            return []
        self.complaint = ''
        return self._assembler.push(sample)

    def windows(self, messages: Iterable[bytes]) -> Iterator[Window]:
        """Give all windows of a whole sequence of messages."""
        for data in messages:
            yield from self.push(data)

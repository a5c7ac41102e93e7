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

"""What every modality must hold.

:func:`check_modality` runs all checks on an example: a modality with some seconds of its messages.
A test suite that wants them one by one takes :data:`MODALITY_CHECKS`::

    @pytest.mark.parametrize('check', MODALITY_CHECKS)
    def test_my_modality(check):
        check(Example(MyModality(), messages))

Each raises AssertionError for what does not hold, and unittest's SkipTest, which pytest knows, for
what a modality does not offer. They run on the CPU.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
import random
import tempfile
from typing import Final
from unittest import SkipTest

import numpy as np
from pydantic import TypeAdapter
import torch

from xmodal_ros.contract.require import require, require_equal, run_checks
from xmodal_ros.errors import StreamError
from xmodal_ros.modalities.audio.decoder import AudioFormat
from xmodal_ros.modalities.intake import SensorIntake
from xmodal_ros.modalities.modality import Modality, TrainingDefaults
from xmodal_ros.modalities.registry import find_modality, make_decoder, StreamSpec
from xmodal_ros.models.bundle import load_bundle, save_bundle
from xmodal_ros.models.configuration_bundle import BundleInfo
from xmodal_ros.models.configuration_encoder import encoder_class
from xmodal_ros.models.configuration_preprocessing import PreprocessingStep
from xmodal_ros.models.modeling_preprocessing import fit_standardise
from xmodal_ros.runtime.engine import Engine, Prediction
from xmodal_ros.runtime.inference import InferenceThread
from xmodal_ros.runtime.pipeline import Feed, Pipeline, Received
from xmodal_ros.streams.sample import DecodeError, Sample
from xmodal_ros.windows.assembler import Window
from xmodal_ros.windows.windowing import SECOND_NS, WindowingSpec

_STEPS: Final = TypeAdapter[tuple[PreprocessingStep, ...]](tuple[PreprocessingStep, ...])
_DAMAGES: Final = 300
_DEADLINE_S: Final = 60.0


@dataclass(frozen=True)
class Example:
    """A modality, and serialized messages of one of its sensors, in order of time.

    They are of ``msgtype``, the modality's first type unless said, and last for three seconds and
    more. ``audio_format`` is for audio that does not say its own.
    """

    modality: Modality
    messages: Sequence[bytes]
    msgtype: str = ''
    audio_format: AudioFormat | None = None

    @property
    def type(self) -> str:
        """The type of the messages."""
        return self.msgtype or self.modality.message_types[0]

    @property
    def defaults(self) -> TrainingDefaults:
        """How the sensor would be learnt."""
        return self.modality.training_defaults(self.type, self.messages[0], {})

    @property
    def window(self) -> WindowingSpec:
        """Windows of a second, every half a second."""
        defaults = self.defaults
        return WindowingSpec(
            length_ns=SECOND_NS,
            hop_ns=SECOND_NS // 2,
            rate_hz=defaults.rate_hz,
            margin_ns=defaults.margin_ns,
            min_coverage=defaults.min_coverage,
        )

    def samples(self) -> list[Sample]:
        """Decode all messages."""
        decode = make_decoder(self.defaults.stream, self.type, audio_format=self.audio_format)
        return [decode(data, number + 1) for number, data in enumerate(self.messages)]

    def intake(self) -> SensorIntake:
        """Give a fresh way from messages to windows."""
        return SensorIntake(
            self.defaults.stream, self.window, self.type, audio_format=self.audio_format
        )

    def windows(self, messages: Sequence[bytes] | None = None) -> list[Window]:
        """Cut the windows of messages, all by default."""
        return list(self.intake().windows(self.messages if messages is None else messages))

    def model(self) -> BundleInfo:
        """Describe a model of two activities with the modality's training defaults."""
        defaults = self.defaults
        derived = _STEPS.validate_python(defaults.preprocessing)
        values = torch.from_numpy(np.stack([window.values for window in self.windows()]))
        return BundleInfo(
            labels=('rest', 'wave'),
            sensor=self.modality.name,
            stream=defaults.stream,
            window=self.window,
            preprocessing=(*derived, fit_standardise(derived, values)),
            encoder=encoder_class(defaults.encoder).model_validate({}).sized('small'),
            method='unimodal',
        )


def check_modality(
    modality: Modality,
    messages: Sequence[bytes],
    msgtype: str = '',
    audio_format: AudioFormat | None = None,
) -> None:
    """Run every check on a modality; raises AssertionError for the first that does not hold."""
    require(bool(messages), 'there are no messages to check it with: give some seconds of them')
    run_checks(MODALITY_CHECKS, Example(modality, messages, msgtype, audio_format))


def check_name(example: Example) -> None:
    """It is found by its name, and its stream survives JSON as one of its own."""
    modality, stream = example.modality, example.defaults.stream
    require(
        type(find_modality(modality.name)) is type(modality),
        f'the entry point {modality.name!r} is {find_modality(modality.name)}, not {modality}',
    )
    require(isinstance(stream, modality.Stream), f'its training defaults give a {type(stream)}')
    adapter: TypeAdapter[StreamSpec] = TypeAdapter(StreamSpec)
    again = adapter.validate_json(adapter.dump_json(stream))
    require(again == stream, f'{stream!r} comes back from JSON as {again!r}')
    require(example.type in modality.message_types, f'{example.type} is none of its types')


def check_samples(example: Example) -> None:
    """Messages become stamped samples of the stream's shape, all of them numbers."""
    shape = example.defaults.stream.sample_shape
    for sample in example.samples():
        found = sample.values.shape[1:] if example.modality.chunked else sample.values.shape
        require(found == shape, f'a sample has the shape {found}, its stream says {shape}')
        require(
            bool(np.isfinite(sample.values).all()), 'a sample holds values that are no numbers'
        )
        require(sample.stamp_ns > 0, 'a sample has no stamp')
        require(
            (sample.rate_hz > 0) == example.modality.chunked,
            'chunks say how many samples they hold a second, and single samples do not',
        )


def check_any_bytes(example: Example) -> None:
    """Whatever bytes come, they become numbers or are refused with DecodeError, nothing else."""
    decode = make_decoder(example.defaults.stream, example.type, audio_format=example.audio_format)
    draw = random.Random(0)
    good = example.messages[0]
    damaged = [b'', *(good[: draw.randrange(len(good))] for _ in range(_DAMAGES))]
    for _ in range(_DAMAGES):
        changed = bytearray(good)
        for _ in range(draw.randrange(1, 9)):
            changed[draw.randrange(len(changed))] = draw.randrange(256)
        damaged.append(bytes(changed))
    for number in (0, 2**31):
        # Counts of things, of which there are none or more than anybody has.
        word = np.array(number, '<u4').tobytes()
        damaged += [good[:place] + word + good[place + 4 :] for place in range(4, 40, 4)]
    for code in ('<f4', '<f8'):
        nothing = np.array(np.nan, code).tobytes()
        # CDR aligns numbers from behind its first four bytes on.
        places = range(4, len(good) - len(nothing) + 1, len(nothing))
        damaged += [
            good[:place] + nothing + good[place + len(nothing) :]
            for place in draw.sample(places, min(_DAMAGES, len(places)))
        ]
    for message in damaged:
        try:
            example.modality.training_defaults(example.type, message, {})
            sample = decode(message, 1)
        except DecodeError as error:
            require(bool(error.reason and str(error)), 'a refusal has a reason, and words')
        except Exception as error:
            raise AssertionError(f'{message[:40]!r} of {len(message)} bytes: {error!r}') from error
        else:
            finite = bool(np.isfinite(sample.values).all())
            require(finite, 'damaged bytes become a sample with values that are no numbers')


def check_doubts(example: Example) -> None:
    """What is doubtful about messages is said in words with a remedy, of any bytes too."""
    good = list(example.messages)
    for messages in (good, [], good[:1], [b'', good[0][: len(good[0]) // 2], *good[:3]]):
        received = [(data, number + 1) for number, data in enumerate(messages)]
        contents = example.modality.describe_contents(example.type, received, example.audio_format)
        require(contents.looked_at == len(messages), 'each message is looked at')
        require(
            sum(contents.frames.values()) + sum(contents.refused.values()) <= len(messages),
            'each message is used or refused',
        )
        for problem in example.modality.check_for_model(contents, '/topic', {}):
            require(
                bool(problem.code and problem.problem and problem.remedy),
                f'{problem} has a code, words and a remedy',
            )
        if contents.details is not None:
            require(all(contents.details.in_words()), 'its figures are said in words')


def check_byte_order(example: Example) -> None:
    """Bytes are read in the order that the message says, which is not always this machine's."""
    decode = make_decoder(example.defaults.stream, example.type, audio_format=example.audio_format)
    message = example.messages[0]
    before = decode(message, 1)
    try:
        after = decode(message[:1] + bytes([message[1] ^ 1]) + message[2:], 1)
    except DecodeError:
        return
    same = before.stamp_ns == after.stamp_ns and np.array_equal(before.values, after.values)
    require(not same, 'a message that says another order of bytes is read the same')


def check_windows(example: Example) -> None:
    """Windows have the stream's shape, and depend on the messages near them alone."""
    windows = example.windows()
    shape = (example.window.steps, *example.defaults.stream.sample_shape)
    require(bool(windows), 'the messages fill no window of a second')
    for window in windows:
        require(window.values.shape == shape, f'a window is {window.values.shape}, not {shape}')
        require(0 <= window.coverage <= 1, f'a coverage of {window.coverage}')
    again = {window.end_ns: window for window in example.windows(example.messages[1:])}
    shared = [window for window in windows[1:] if window.end_ns in again]
    for window in shared:
        same = np.array_equal(window.values, again[window.end_ns].values)
        require(same, 'a window differs where the recording begins one message later')


def check_written_samples(example: Example) -> None:
    """A sample that is written and read again is the same."""
    stream, modality = example.defaults.stream, example.modality
    sample = example.samples()[0]
    try:
        message = modality.serialize(sample, stream)
    except StreamError as error:
        raise SkipTest(str(error)) from error
    plain = AudioFormat(sample.rate_hz, 1, 'F32LE') if modality.chunked else None
    again = make_decoder(stream, modality.message_types[0], audio_format=plain)(message, 1)
    require(again.stamp_ns == sample.stamp_ns, 'a stamp is not read as it was written')
    require(again.frame_id == sample.frame_id, 'a frame is not read as it was written')
    close = again.values.dtype == sample.values.dtype and np.allclose(
        again.values, sample.values, rtol=0, atol=1e-12
    )
    require(bool(close), 'values are not read as they were written')


def check_faults(example: Example) -> None:
    """Faults repeat under a seed; at the severity that harms nothing they change nothing."""
    samples = example.samples()
    for kind in example.modality.faults(example.defaults.stream):
        fault = kind.make(kind.grid[-1])
        first, again = list(fault.apply(samples, 3)), list(fault.apply(samples, 3))
        require(_same(first, again), f'fault {kind.name} differs under the same seed')
        if kind.unharmed == 0:
            unharmed = list(kind.make(0.0).apply(samples, 3))
            require(_same(unharmed, samples), f'fault {kind.name} of severity 0 changes samples')


def check_augmentation(example: Example) -> None:
    """Augmentation repeats under a seed, keeps shapes, and leaves what it was given as it is."""
    windows = torch.from_numpy(np.stack([window.values for window in example.windows()]))
    before, augment = windows.clone(), example.modality.augmentation()
    first, again = (augment(windows, torch.Generator().manual_seed(1)) for _ in range(2))
    require(first.shape == windows.shape, f'augmented windows are {tuple(first.shape)}')
    require(first.dtype == torch.float32, f'augmented windows are {first.dtype}')
    require_equal(first, again, 'augmentation differs under the same seed')
    require_equal(windows, before, 'augmentation changes the windows that it was given')


def check_kept_windows(example: Example) -> None:
    """What the cache keeps of a window has its shape, and is little else."""
    for window in example.windows():
        kept = example.modality.compact(window.values)
        require(kept.shape == window.values.shape, f'a window is kept as {kept.shape}')
        close = np.allclose(
            kept.astype(np.float64), window.values.astype(np.float64), rtol=1e-2, atol=1e-3
        )
        require(bool(close), 'a window that is kept is another')


def check_activity(example: Example) -> None:
    """It says of samples, or between each two, how much goes on: finite, none negative."""
    for window in example.windows():
        change = example.modality.activity_change(window.values)
        lengths = (len(window.values), len(window.values) - 1)
        require(change.ndim == 1 and len(change) in lengths, f'{change.shape} changes')
        require(bool(np.isfinite(change).all() and (change >= 0).all()), 'a change below nothing')


def check_live(example: Example) -> None:
    """A model of its training defaults is saved and loaded, and decides live as offline."""
    info = example.model()
    torch.manual_seed(0)
    classifier = info.make_classifier().eval()
    windows = example.windows()
    golden = torch.from_numpy(windows[0].values)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'bundle'
        save_bundle(path, info, classifier, golden)
        bundle = load_bundle(path)
    with torch.inference_mode():
        require_equal(
            bundle.logits(golden[None]), classifier(golden[None]), 'what is loaded answers else'
        )
    engine = Engine(bundle)
    offline = [engine.classify(window) for window in windows]
    live = _live(engine, example)
    require(len(live) == len(offline), f'{len(offline)} decisions offline, {len(live)} live')
    for ours, theirs in zip(offline, live, strict=True):
        same = (ours.stamp_ns, ours.label, ours.scores) == (
            theirs.stamp_ns,
            theirs.label,
            theirs.scores,
        )
        require(same, f'offline {ours}, live {theirs}')


def _live(engine: Engine, example: Example) -> list[Prediction]:
    published: list[Prediction] = []
    failures: list[str] = []
    inference = InferenceThread()
    try:
        feed = Feed(engine, example.type, audio_format=example.audio_format)
        pipeline = Pipeline(
            feed,
            inference,
            len(example.messages) + 1,
            published.append,
            lambda where, error: failures.append(f'{where}: {error!r}'),
        )
        for number, data in enumerate(example.messages, start=1):
            pipeline.push(feed, lambda data=data, at=number: [Received(data, at)])  # type: ignore[misc]
        require(pipeline.finish(_DEADLINE_S), 'the live pipeline does not come to its end')
        pipeline.close()
    finally:
        inference.close()
    require(not failures, f'the live pipeline fails {failures[:1]}')
    return published


def _same(first: Sequence[Sample], second: Sequence[Sample]) -> bool:
    return len(first) == len(second) and all(
        (a.stamp_ns, a.frame_id, a.rate_hz) == (b.stamp_ns, b.frame_id, b.rate_hz)
        and np.allclose(a.values, b.values, rtol=0, atol=1e-12)
        for a, b in zip(first, second, strict=True)
    )


MODALITY_CHECKS: Final[tuple[Callable[[Example], None], ...]] = (
    check_name,
    check_samples,
    check_any_bytes,
    check_doubts,
    check_byte_order,
    check_windows,
    check_written_samples,
    check_faults,
    check_augmentation,
    check_kept_windows,
    check_activity,
    check_live,
)
"""All of them."""

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

"""Whether a topic gives what a model expects, and what to change where it does not."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from xmodal_ros.errors import StreamError
from xmodal_ros.modalities.audio.decoder import AudioFormat
from xmodal_ros.modalities.intake import ENOUGH_OF_RATE, rate_in_words
from xmodal_ros.modalities.registry import find_modality, make_decoder
from xmodal_ros.streams.sample import DecodeError, Sample
from xmodal_ros.tools.doctor.expectation import Expectation
from xmodal_ros.tools.doctor.facts import TopicFacts
from xmodal_ros.tools.doctor.finding import about, Finding, problem_and_remedy
from xmodal_ros.tools.doctor.measurement import Measurement
from xmodal_ros.windows.resampling import resample_linear, resample_nearest
from xmodal_ros.windows.windowing import SECOND_NS

# What a healthy stream covers, short of the odd message lost.
_WELL_COVERED: Final = 0.95
# Stamps that jump by years must not make a grid of years.
_LONGEST_NS: Final = 60 * SECOND_NS
# The words of these refusals end with a fact, not with what to do.
_WITHOUT_REMEDY: Final = frozenset({'corrupt', 'encapsulation', 'size', 'truncated'})


def check_fit(
    expectation: Expectation,
    topic: TopicFacts,
    subject: str = '',
    audio_format: AudioFormat | None = None,
) -> Iterator[Finding]:
    """Yield what keeps a topic from feeding a model, worst first; nothing where it fits.

    The model's own decoder is tried on the newest message, and its windows' grid is laid over
    the stamps that were heard, so the answers are those that a classifier would give. ``subject``
    is what the findings are about, by default the topic; ``audio_format`` is what a classifier was
    told of audio that does not say it.
    """
    subject = subject or topic.name
    refusal = _refusal(expectation, topic, audio_format)
    if refusal is not None:
        code, problem, remedy = refusal
        yield Finding('error', code, subject, problem, remedy)
        return
    found = topic.measurement
    if found is None:
        return
    details = found.contents.details
    if details is not None:
        yield from about(subject, details.check_statistics(expectation.statistics, topic.name))
    if find_modality(expectation.modality).chunked:
        newest = _decode(expectation, topic.msgtype, found, audio_format)
        rate_hz = audio_format.rate_hz if audio_format else newest.rate_hz
        yield from _check_sample_rate(expectation, topic.name, rate_hz, subject)
    else:
        yield from _check_rate(expectation, topic.name, found, subject)


def _refusal(
    expectation: Expectation, topic: TopicFacts, audio_format: AudioFormat | None
) -> tuple[str, str, str] | None:
    """Give code, problem and remedy of what makes a topic useless for a model."""
    other = f'choose another topic or a model for {topic.modality or "it"}'
    if topic.modality != expectation.modality:
        return (
            'other-modality',
            f'{topic.name} carries {topic.msgtype}, the model wants {expectation.modality}',
            other,
        )
    if not topic.sources:
        return (
            'unpublished',
            f'nobody publishes {topic.msgtype} on {topic.name}',
            "start the sensor's driver",
        )
    found = topic.measurement
    if found is None or not found.count:
        why = topic.problem or f'{topic.name} is silent'
        return 'silent', why, "look at the log of the sensor's driver"
    try:
        _decode(expectation, topic.msgtype, found, audio_format)
    except DecodeError as error:
        return (error.reason.replace('_', '-'), *_in_two(error, other))
    except StreamError as error:
        return ('type', *problem_and_remedy(str(error), other))
    return None


def _in_two(error: DecodeError, otherwise: str) -> tuple[str, str]:
    if error.reason in _WITHOUT_REMEDY:
        return str(error), 'look at what the driver sends'
    return problem_and_remedy(str(error), otherwise)


def _decode(
    expectation: Expectation, msgtype: str, found: Measurement, audio_format: AudioFormat | None
) -> Sample:
    """Decode the newest message as the model's classifier would."""
    details = found.contents.details
    known = audio_format or (details.stated if details else None)
    decode = make_decoder(expectation.stream, msgtype, audio_format=known)
    return decode(found.newest, found.times_ns[-1])


def _check_sample_rate(
    expectation: Expectation, name: str, rate_hz: int, subject: str
) -> Iterator[Finding]:
    wanted_hz = expectation.window.rate_hz
    if 0 < rate_hz < wanted_hz:
        yield Finding(
            'warning',
            'low-rate',
            subject,
            f'{name} has {rate_hz} samples a second, the model learnt from {wanted_hz}: the high '
            'notes are missing',
            f'set the rate of the capture node to {wanted_hz}',
        )


def _check_rate(
    expectation: Expectation, name: str, found: Measurement, subject: str
) -> Iterator[Finding]:
    timing = found.timing
    if timing is None:
        return
    learnt_hz = expectation.learnt_rate_hz or expectation.window.rate_hz
    learnt = rate_in_words(learnt_hz)
    covered = coverage(expectation, found)
    if covered is not None and covered < expectation.window.min_coverage:
        yield Finding(
            'error',
            'coverage',
            subject,
            f'what comes on {name} ({timing.rate_hz:.1f} Hz, gaps up to '
            f'{timing.largest_gap_s:.2f} s) covers {covered:.0%} of the windows, the model wants '
            f'{expectation.window.min_coverage:.0%}: its answer will be unknown',
            f'raise the rate of the driver to {learnt} and mend the gaps, or train a model '
            'for a lower rate',
        )
    elif timing.rate_hz < ENOUGH_OF_RATE * learnt_hz:
        yield Finding(
            'warning',
            'low-rate',
            subject,
            f'{name} comes at {timing.rate_hz:.1f} Hz, the model learnt from {learnt}: '
            'what lies between is interpolated',
            f'raise the rate of the driver to {learnt}, or learn from recordings of this rate',
        )
    elif covered is not None and covered < _WELL_COVERED:
        yield Finding(
            'warning',
            'coverage',
            subject,
            f'gaps on {name} (up to {timing.largest_gap_s:.2f} s) leave {1 - covered:.0%} of the '
            'windows without data',
            'look at the log of the driver and at its connection',
        )


def coverage(expectation: Expectation, found: Measurement) -> float | None:
    """Give the share of a window's grid that the stamps heard cover, None for too few stamps."""
    window = expectation.window
    times = np.unique(np.array(found.times_ns, np.int64))
    if len(times) < 2:
        return None
    last = int(times[-1])
    first = max(int(times[0]), last - _LONGEST_NS)
    # The points of the grid since the epoch, as windows have them.
    numbers = np.arange(
        first * window.rate_hz // SECOND_NS + 1, last * window.rate_hz // SECOND_NS
    )
    whole, part = np.divmod(numbers, window.rate_hz)
    grid = whole * SECOND_NS + part * SECOND_NS // window.rate_hz
    if not len(grid):
        return None
    values = np.zeros((len(times), 1))
    if find_modality(expectation.modality).interpolation == 'linear':
        laid = resample_linear(times, values, grid, window.period_ns, window.margin_ns)
    else:
        laid = resample_nearest(times, values, grid, window.margin_ns)
    return float(laid.covered.mean())

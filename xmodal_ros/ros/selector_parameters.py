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

"""The parameters of the selector, and the settings that they make."""

from collections.abc import Callable, Sequence
from typing import Any, Final, get_args

from xmodal_ros.errors import ConfigurationError
from xmodal_ros.parameter import Parameter
from xmodal_ros.paths import user_path
from xmodal_ros.ros.parameter_tables import AUTOSTART, DIAGNOSTICS_PERIOD
from xmodal_ros.runtime.selector_settings import (
    AUTO,
    check_names,
    choose_mode,
    choose_smoothing_method,
    Mode,
    SelectorSettings,
    SourceSettings,
)
from xmodal_ros.runtime.smoothing import SmoothingMethod
from xmodal_ros.runtime.validated_accuracy import validated_accuracy

_SECOND_NS: Final = 1_000_000_000

ACTIVITY_SELECTOR: Final[tuple[Parameter, ...]] = (
    AUTOSTART,
    Parameter(
        'source_names',
        [''],
        'Names of the classifiers to choose from; of equal priority, the first one goes first.',
        change='unconfigured',
        formerly='sources',
    ),
    Parameter(
        'source',
        AUTO,
        "'auto', or the name of the only source that counts.",
        change='always',
    ),
    Parameter(
        'mode',
        'select',
        "'select' publishes one source at a time, 'fuse' all of them weighed by what they are "
        'worth.',
        change='always',
        choices=get_args(Mode),
    ),
    Parameter(
        'timeout',
        2.0,
        'Seconds by which the newest label of a source may lie behind those of the others; also '
        'how long all may be silent.',
        change='always',
        bounds=(0.05, 60.0),
    ),
    Parameter(
        'return_after',
        3.0,
        'Seconds for which a source that returned has to be alive before it takes over.',
        change='always',
        bounds=(0.0, 600.0),
    ),
    Parameter(
        'stand_in',
        True,
        'While the selected source says unknown, let the next one answer that has decided.',
        change='always',
    ),
    Parameter(
        'unknown_threshold',
        0.0,
        'Below this probability a fused decision is unknown.',
        change='always',
        bounds=(0.0, 1.0),
    ),
    Parameter(
        'smoothing',
        0.0,
        'Seconds of decisions that are smoothed into one; 0: none but the newest.',
        change='always',
        bounds=(0.0, 60.0),
    ),
    Parameter(
        'smoothing_method',
        'mean',
        "'mean' of the probabilities, or 'majority' of the decisions.",
        change='always',
        choices=get_args(SmoothingMethod),
    ),
    Parameter(
        'minimum_dwell',
        0.0,
        'Seconds for which an activity stays before another one takes its place.',
        change='always',
        bounds=(0.0, 60.0),
    ),
    DIAGNOSTICS_PERIOD,
)


def source_table(name: str) -> tuple[Parameter, ...]:
    """Give the parameters of one source."""
    return (
        Parameter(
            f'sources.{name}.topic',
            '',
            "Where the classifier publishes; '' is <name>_classifier/activity.",
            change='always',
        ),
        Parameter(
            f'sources.{name}.priority',
            0,
            'The highest goes first.',
            change='always',
            bounds=(-1000, 1000),
        ),
        Parameter(
            f'sources.{name}.weight',
            -1.0,
            'Accuracy on people that the model was not trained on, for fusing; -1 takes that of '
            'the bundle.',
            change='always',
            bounds=(-1.0, 1.0),
        ),
        Parameter(
            f'sources.{name}.model',
            '',
            'Folder of the bundle to take the accuracy from.',
            change='always',
        ),
    )


def read_names(value: Sequence[str]) -> tuple[str, ...]:
    """Read ``source_names``; raises :class:`ConfigurationError` where they are none."""
    names = tuple(name for name in value if name)
    check_names(names)
    return names


def topic_of(name: str, get: Callable[[str], Any]) -> str:
    """Give the topic of a source."""
    return str(get(f'sources.{name}.topic')) or f'{name}_classifier/activity'


def read_settings(get: Callable[[str], Any]) -> SelectorSettings:
    """Make settings of the parameters' values, which ``get`` gives by name.

    Raises :class:`XmodalError` where they cannot be used.
    """
    names = read_names(get('source_names'))
    return SelectorSettings(
        sources=tuple(
            SourceSettings(name, int(get(f'sources.{name}.priority')), _accuracy(name, get))
            for name in names
        ),
        source=str(get('source')),
        mode=choose_mode(str(get('mode'))),
        timeout_ns=_nanoseconds(get('timeout')),
        return_after_ns=_nanoseconds(get('return_after')),
        stand_in=bool(get('stand_in')),
        unknown_threshold=float(get('unknown_threshold')),
        smoothing_ns=_nanoseconds(get('smoothing')),
        smoothing_method=choose_smoothing_method(str(get('smoothing_method'))),
        minimum_dwell_ns=_nanoseconds(get('minimum_dwell')),
    )


def _nanoseconds(seconds: float) -> int:
    return round(seconds * _SECOND_NS)


def _accuracy(name: str, get: Callable[[str], Any]) -> float | None:
    weight = float(get(f'sources.{name}.weight'))
    if -1 < weight < 0:
        raise ConfigurationError(
            f"sources.{name}.weight {weight:g} is no accuracy: give 0 to 1, or -1 for the bundle's"
        )
    if weight >= 0:
        return weight
    model = str(get(f'sources.{name}.model'))
    return validated_accuracy(user_path(model)) if model else None

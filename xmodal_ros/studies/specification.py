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

"""What a study compares, as its YAML file says it."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
import re
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator, ValidationError
import yaml

from xmodal_ros import registry
from xmodal_ros.configuration.fit_settings import AUTO
from xmodal_ros.errors import ConfigurationError
from xmodal_ros.methods.method import make_method
from xmodal_ros.methods.unimodal import Unimodal
from xmodal_ros.modalities.imu.stream import ImuChannels
from xmodal_ros.models.configuration_encoder import Size
from xmodal_ros.streams.placement import make_placement, Region
from xmodal_ros.training.window_statistics import StatisticsModel
from xmodal_ros.windows.windowing import LONGEST_S

SHIPPED: Final = Path(__file__).parent / 'shipped'


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra='forbid')


class MethodRow(_Part):
    """A row of the tables: a transfer method with options, or a baseline without a net.

    ``row`` is its name. It has either a ``method``, as of ``xmodal train``, with ``options``, or
    ``statistics``, a model without a net, or ``choose``, rows of which one is taken for each run:
    that which is best over ``inner_folds`` of the people it may learn from. With ``all_sensors``
    statistics are of the target and its sources together, in the test too.
    """

    row: Annotated[str, Field(pattern=r'^[A-Za-z0-9][A-Za-z0-9 _.=+-]*$', max_length=60)]
    method: str | None = None
    options: dict[str, str | int | float | bool] = Field(default_factory=dict)
    statistics: StatisticsModel | None = None
    all_sensors: bool = False
    choose: tuple['MethodRow', ...] = ()
    inner_folds: Annotated[int, Field(ge=2, le=20)] = 3

    @model_validator(mode='after')
    def _one_thing(self) -> Self:
        given = [self.method is not None, self.statistics is not None, bool(self.choose)]
        if sum(given) != 1:
            raise ValueError(f"row {self.row!r} needs either 'method', 'statistics' or 'choose'")
        if self.all_sensors and self.statistics is None:
            raise ValueError(f"row {self.row!r}: 'all_sensors' is of 'statistics' only")
        if self.choose:
            _once(f'choice of row {self.row!r}', [choice.row for choice in self.choose])
            if any(choice.choose or choice.all_sensors for choice in self.choose):
                raise ValueError(
                    f'row {self.row!r}: what it chooses among runs on the target alone, and '
                    'chooses nothing itself'
                )
        if self.method is None:
            if self.options:
                raise ValueError(f'row {self.row!r}: only a method has options')
            return self
        try:
            make_method(self.method, self.options)
        except ConfigurationError as error:
            raise ValueError(f'row {self.row!r}: {error}') from error
        return self

    @property
    def learns_from_sources(self) -> bool:
        """Whether its runs differ by the sources they are given."""
        if self.choose:
            return any(choice.learns_from_sources for choice in self.choose)
        if self.method is None:
            return self.all_sensors
        return make_method(self.method).source_use != 'none'

    @property
    def is_reference(self) -> bool:
        """Whether the other rows are compared with this one."""
        return self.method == Unimodal.name


class Labels(_Part):
    """How much the target learns from; by default all windows of everybody, with their labels.

    Of ``people`` only so many, drawn by the seed, as if nobody else had been recorded. Of their
    windows labelled are: ``fraction`` of each activity's segments, at least one; or ``shots``
    windows of each activity. The others are taken from the target, and sources keep theirs. With
    ``unlabelled`` all sensors keep all windows, and none has a label in the other segments; where
    all of those ``people``'s are labelled, the others have been recorded, without a label.
    """

    fraction: Annotated[float, Field(gt=0, le=1)] = 1.0
    shots: Annotated[int, Field(ge=1)] | None = None
    unlabelled: bool = False
    people: Annotated[int, Field(ge=1)] | None = None

    @model_validator(mode='after')
    def _not_both(self) -> Self:
        if self.shots is not None and self.fraction != 1:
            raise ValueError("labels: give 'fraction' or 'shots', not both")
        whole = self.fraction == 1 and self.people is None
        if self.unlabelled and (whole or self.shots is not None):
            raise ValueError(
                "labels: 'unlabelled' needs a 'fraction' below 1 that is labelled, or so many "
                "'people', and no 'shots'"
            )
        return self

    @property
    def all_known(self) -> bool:
        """Whether all windows of the people who are labelled have their label."""
        return self.fraction == 1 and self.shots is None

    @property
    def others_unlabelled(self) -> bool:
        """Whether some people are labelled, and all others who train are not."""
        return self.unlabelled and self.all_known

    @property
    def title(self) -> str:
        """How tables name it."""
        words = [] if self.people is None else [number_of_people(self.people)]
        words += ['the others unlabelled'] if self.others_unlabelled else []
        if self.shots is not None:
            words.append(f'{self.shots} windows an activity')
        elif self.fraction < 1:
            words.append(f'{100 * self.fraction:g} % of the labels')
            words += ['the other windows unlabelled'] if self.unlabelled else []
        return ', '.join(words) or 'all labels'


def number_of_people(count: int) -> str:
    """Say how many people there are."""
    return '1 person' if count == 1 else f'{count} people'


def _all_labels() -> tuple[Labels, ...]:
    return (Labels(),)


_Names = Annotated[tuple[str, ...], Field(min_length=1)]


class Direction(_Part):
    """Who trains, who tests and, if anybody, who validates; others have no part.

    From ``sources_only`` sources learn, and the target does not.
    """

    train: _Names
    test: _Names
    validation: tuple[str, ...] = ()
    sources_only: tuple[str, ...] = ()

    @model_validator(mode='after')
    def _apart(self) -> Self:
        count = Counter((*self.train, *self.test, *self.validation, *self.sources_only))
        if twice := [name for name, times in count.items() if times > 1]:
            raise ValueError(f'subject {twice[0]!r} is named twice: each has one part at most')
        return self


class Across(_Part):
    """Subjects disjoint: each direction trains on some and tests on others.

    Instead of ``directions`` there may be ``folds``: everybody is tested once, by what learnt from
    the people of the other folds. The n-th person, by name, is in fold n mod folds;
    ``leave_one_out`` makes a fold of each. ``subjects`` are all who can be tested by default.
    """

    directions: tuple[Direction, ...] = ()
    folds: Annotated[int, Field(ge=2)] | Literal['leave_one_out'] | None = None
    subjects: tuple[str, ...] = ()
    labels: Annotated[tuple[Labels, ...], Field(min_length=1)] = Field(default_factory=_all_labels)

    @model_validator(mode='after')
    def _one_of_them(self) -> Self:
        if bool(self.directions) == (self.folds is not None):
            raise ValueError("across: give either 'directions' or 'folds'")
        if self.directions and self.subjects:
            raise ValueError("across: 'subjects' are those of 'folds'; directions name theirs")
        _once('subject of across', list(self.subjects))
        return self


class Within(_Part):
    """The same subjects, other segments: a person's n-th of an activity is in fold n mod folds.

    Each fold is tested once, by what learnt from the others. ``subjects`` are all by default.
    """

    folds: Annotated[int, Field(ge=2, le=20)] = 2
    subjects: tuple[str, ...] = ()
    labels: Annotated[tuple[Labels, ...], Field(min_length=1)] = Field(default_factory=_all_labels)

    @model_validator(mode='after')
    def _everybody(self) -> Self:
        if any(labels.people is not None for labels in self.labels):
            raise ValueError("within: fewer 'people' are of 'across' only")
        return self


class Splits(_Part):
    """How recordings are divided; at least one of the two."""

    across: Across | None = None
    within: Within | None = None

    @model_validator(mode='after')
    def _any(self) -> Self:
        if self.across is None and self.within is None:
            raise ValueError("splits: name 'across', 'within' or both")
        return self


class SensorSettings(_Part):
    """What differs from training's defaults for one modality; None leaves it.

    ``encoder`` is its kind, ``size``, ``width``, ``dim`` and a camera's ``frames_per_token`` are
    of it, ``height`` and ``image_width`` the pixels that a camera's picture is scaled to, and
    ``region`` the part of it that is looked at (left, top, width and height as shares), whatever
    recordings declare.
    """

    epochs: Annotated[int, Field(ge=1)] | None = None
    patience: Annotated[int, Field(ge=1)] | None = None
    batch_size: Annotated[int, Field(ge=1)] | None = None
    least_steps: Annotated[int, Field(ge=1)] | None = None
    learning_rate: Annotated[float, Field(gt=0)] | None = None
    pretrain: Annotated[int, Field(ge=0)] | None = None
    encoder: str | None = None
    size: Size | None = None
    width: Annotated[int, Field(ge=8, le=512, multiple_of=8)] | None = None
    dim: Annotated[int, Field(ge=8, le=512, multiple_of=8)] | None = None
    height: Annotated[int, Field(ge=8, le=1024)] | None = None
    image_width: Annotated[int, Field(ge=8, le=1024)] | None = None
    frames_per_token: Annotated[int, Field(ge=1, le=8)] | None = None
    region: Region | None = None

    @model_validator(mode='after')
    def _checked(self) -> Self:
        if self.size is not None and self.width is not None:
            raise ValueError("sensors: give 'size' or 'width', not both")
        try:
            make_placement(region=self.region)
        except ConfigurationError as error:
            raise ValueError(f'sensors: {error}') from error
        return self


class WindowSettings(_Part):
    """Length and hop of all windows in seconds, and an IMU's channels."""

    length_s: Annotated[float, Field(gt=0, le=LONGEST_S)] | None = None
    hop_s: Annotated[float, Field(gt=0, le=LONGEST_S)] | None = None
    channels: ImuChannels = 'acc_gyro'


_Seed = Annotated[int, Field(ge=0)]
_SourceSet = Annotated[tuple[str, ...], Field(min_length=1)]


class Study(_Part):
    """A study: every row for every target, set of sources, split, amount of labels and seed.

    ``recordings`` are bags or folders of bags, from the current directory. ``targets`` gives for
    each target the sets of sources it learns from. ``description`` and ``findings`` are Markdown
    that stands above and below the tables. With ``merge_labels`` names of activities that differ
    only in how they are written are one.
    """

    title: str
    description: str = ''
    findings: str = ''
    recordings: Annotated[tuple[Path, ...], Field(min_length=1)]
    targets: Annotated[dict[str, tuple[_SourceSet, ...]], Field(min_length=1)]
    methods: Annotated[tuple[MethodRow, ...], Field(min_length=1)]
    splits: Splits
    seeds: Annotated[tuple[_Seed, ...], Field(min_length=1)]
    windows: WindowSettings = WindowSettings()
    merge_labels: bool = False
    sensors: dict[str, SensorSettings] = Field(default_factory=dict)

    @model_validator(mode='after')
    def _makes_sense(self) -> Self:
        _once('row', [row.row for row in self.methods])
        _once('seed', list(map(str, self.seeds)))
        if sum(row.is_reference for row in self.methods) != 1:
            raise ValueError(
                "methods: exactly one row must be of method 'unimodal', to compare to"
            )
        if any(row.choose for row in self.methods) and self.splits.within is not None:
            # The people learnt from are tested on there.
            raise ValueError("methods: a row that chooses does so over people: only with 'across'")
        for modality, settings in self.sensors.items():
            _check_name(f'sensors.{modality}', registry.MODALITIES, modality)
            if settings.encoder not in {None, AUTO}:
                where = f'sensors.{modality}.encoder'
                _check_name(where, registry.ENCODERS, settings.encoder)
        for target, sets in self.targets.items():
            _once(f'set of sources of {target!r}', ['+'.join(sorted(names)) for names in sets])
            for names in sets:
                _once(f'source of {target!r}', list(names))
                if target in names:
                    raise ValueError(f'targets: {target!r} is a source of its own')
        return self

    @property
    def sensor_names(self) -> tuple[str, ...]:
        """All sensors that take part."""
        sources = (name for sets in self.targets.values() for names in sets for name in names)
        return tuple(dict.fromkeys((*self.targets, *sources)))


def load_study(name: str, *, quick: bool = False) -> Study:
    """Read a study from a file, or by the name of one that is shipped.

    With ``quick``, whole keys are replaced by those under the file's ``quick``, which is checked
    in any case. Raises :class:`ConfigurationError` for a file that cannot be used.
    """
    path = _find(name)
    try:
        document = yaml.safe_load(path.read_text(encoding='utf-8'))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ConfigurationError(f'study {path} cannot be read: {error}') from error
    if not isinstance(document, dict):
        raise ConfigurationError(f'study {path} is no mapping of keys: see docs/study.md')
    changes = document.pop('quick', None)
    if changes is not None and not isinstance(changes, dict):
        raise ConfigurationError(f"study {path}: 'quick' must hold keys of a study")
    if quick and not changes:
        raise ConfigurationError(f"study {path} has no 'quick' to run: leave --quick out")
    full = _parse(document, path, '')
    small = _parse({**document, **changes}, path, 'with quick, ') if changes else full
    return small if quick else full


def _find(name: str) -> Path:
    path = Path(name)
    if path.is_file():
        return path
    shipped = {file.stem: file for file in sorted(SHIPPED.glob('*.yaml'))}
    if name in shipped:
        return shipped[name]
    raise ConfigurationError(
        f'there is no study file {name!r}; those that come with the package: {", ".join(shipped)}'
    )


def _parse(document: Mapping[str, Any], path: Path, when: str) -> Study:
    try:
        return Study.model_validate(document)
    except ValidationError as error:
        problem = error.errors()[0]
        where = '.'.join(str(part) for part in problem['loc']) or 'the study'
        raise ConfigurationError(
            f'study {path}: {when}{where}: {_in_words(problem, where)} (docs/study.md explains '
            'every key)'
        ) from error


def _in_words(problem: Mapping[str, Any], where: str) -> str:
    """Say what is wrong with a value, for those who write YAML."""
    value = problem['input']
    if problem['type'] == 'string_type' and isinstance(value, bool):
        words = 'yes, on and true' if value else 'no, off and false'
        return f'YAML reads {words} as a truth, not as text: put it in quotes, as it is to be read'
    if problem['type'] == 'string_type' and isinstance(value, int | float):
        return f'{value} is no text to YAML: put it in quotes, as it is to be read'
    if problem['type'] == 'string_type' and value is None:
        return 'YAML reads null, ~ and what is empty as nothing, not as text: put it in quotes'
    if problem['type'] == 'too_short' and re.fullmatch(r'targets\..+\.\d+', where):
        return 'a set of sources holds one at least: a target that learns from none has []'
    if problem['type'] == 'extra_forbidden':
        return 'there is no such key here: look at how it is spelt'
    if problem['type'] == 'too_short':
        return 'it holds nothing: name at least one'
    return str(problem['msg']).removeprefix('Value error, ')


def _check_name(where: str, group: str, name: str) -> None:
    try:
        registry.check(group, name)
    except ConfigurationError as error:
        raise ValueError(f'{where}: {error}') from error


def _once(what: str, names: list[str]) -> None:
    if twice := [name for name, times in Counter(names).items() if times > 1]:
        raise ValueError(f'{what} {twice[0]!r} is named twice')

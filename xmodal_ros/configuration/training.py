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

"""All that a user may ask of a training run: one schema for files, options and parameters.

``xmodal train`` takes every key as an option, a YAML file as a key, a trainer node as a parameter.
What it says is checked as a whole before anything is read, and read where it is used. This module
loads no torch, so that the command line can say what there is without it.
"""

from collections.abc import Mapping
import difflib
from pathlib import Path
from typing import Annotated, Any, Final, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)

from xmodal_ros import registry
from xmodal_ros.configuration.data_options import DataOptions, default_cache
from xmodal_ros.configuration.fit_settings import Count, RecipeChoices
from xmodal_ros.configuration.schema import (
    by_name,
    exclusive,
    Key,
    option_name,
    parse,
    schema_keys,
    unknown_name,
)
from xmodal_ros.configuration.yaml_file import on_one_line, read_yaml
from xmodal_ros.errors import ConfigurationError


def _several(value: Any) -> Any:
    """Take one name for a list of one, and numbers for names."""
    if value is None:
        return ()
    values = value if isinstance(value, list | tuple) else [value]
    return [str(each) if isinstance(each, int) else each for each in values]


def _named(value: Any) -> Any:
    """Refuse an empty path, which would be the folder one happens to be in."""
    if value == '':
        raise ValueError("it is empty: name a file or folder, '.' for the one you are in")
    return value


def _method(name: str) -> str:
    """Refuse a name that no method has."""
    known = registry.names(registry.METHODS)
    if name not in known:
        raise unknown_name(known)
    return name


def _usual_method(given: dict[str, Any]) -> str:
    """Give what is best where nobody chooses: with sources the recipe."""
    return 'xmodal' if given.get('sources') else 'unimodal'


_Names = Annotated[tuple[str, ...], BeforeValidator(_several)]
_Path = Annotated[Path, BeforeValidator(_named)]
_Paths = Annotated[tuple[_Path, ...], BeforeValidator(_several)]
_Options = Annotated[dict[str, str | bool | int | float], BeforeValidator(by_name)]


class LearningTask(BaseModel):
    """Which sensor learns from which recordings, people and other sensors, and how."""

    model_config = ConfigDict(
        frozen=True, extra='forbid', allow_inf_nan=False, populate_by_name=True
    )

    bags: Annotated[
        _Paths, Field(min_length=1, description='Recordings, or folders that hold recordings.')
    ]
    target: Annotated[
        str,
        Field(
            min_length=1,
            description='The sensor that will run alone, by name or topic.',
            json_schema_extra={'metavar': 'SENSOR'},
        ),
    ]
    test_subjects: Annotated[
        _Names,
        Field(
            min_length=1,
            description='Subjects kept out of training to score the result on, as `xmodal '
            'dataset` names them: subject_05 subject_06.',
            json_schema_extra={'metavar': 'SUBJECT...'},
        ),
    ]
    out: Annotated[
        _Path,
        Field(
            description='The bundle to write, a folder.',
            json_schema_extra={'metavar': 'BUNDLE'},
        ),
    ]
    sources: Annotated[
        _Names,
        Field(
            alias='source',
            description='Sensors that the target learns from.',
            json_schema_extra={'metavar': 'SENSOR...'},
        ),
    ] = ()
    method: Annotated[
        str,
        AfterValidator(_method),
        Field(
            description="How it learns: 'unimodal' from no source, any other method of "
            "docs/methods from some; without, 'xmodal' where a source is given.",
            json_schema_extra={'metavar': 'METHOD'},
        ),
    ] = Field(default_factory=_usual_method)
    method_options: Annotated[
        _Options,
        Field(
            alias='option',
            description='Options of the method, by name.',
            json_schema_extra={'metavar': 'NAME=VALUE...'},
        ),
    ] = {}
    validation_subjects: Annotated[
        _Names,
        Field(
            alias='val_subjects',
            description='Subjects to validate on; without, 15 % of the labelled segments of the '
            'training subjects do.',
            json_schema_extra={'metavar': 'SUBJECT...'},
        ),
    ] = ()
    unlabelled: Annotated[
        bool,
        Field(
            description='Learn from windows without a label too, in recordings that have none and '
            'between labelled segments; for methods that compare sensors moment by moment, and '
            'for pretraining.'
        ),
    ] = False


# Fields come in the order of the bases from the last to the first, then the own ones.
class TrainingConfiguration(RecipeChoices, LearningTask):
    """What ``xmodal train`` is asked to do; paths are relative to where it is started.

    Users know the fields by their aliases, code may give either.
    """

    unknown_threshold: Annotated[
        float | None,
        Field(
            ge=0,
            lt=1,
            description="The probability below which the answer is 'unknown'; without, it is "
            'chosen on validation.',
        ),
    ] = None
    seed: Annotated[
        int,
        Field(
            ge=0,
            lt=2**62,
            description='Of all random numbers; on the CPU it fixes the weights.',
        ),
    ] = 0
    device: Annotated[
        str, Field(description="Where to train: 'auto', 'cpu', 'cuda' or 'cuda:N'.")
    ] = 'auto'
    cache: Annotated[
        _Path | None,
        Field(
            description='Keep cut windows in this folder, from which the next run starts at once; '
            'without, in ~/.cache/xmodal_ros.',
            json_schema_extra={'metavar': 'DIR'},
        ),
    ] = None
    no_cache: Annotated[
        bool, Field(description='Keep cut windows in memory for this run alone.')
    ] = False
    jobs: Annotated[
        Count | None,
        Field(
            description='Processes that cut windows, and train side by side; without, one a CPU.'
        ),
    ] = None
    strict: Annotated[
        bool,
        Field(
            description='Stop at the first recording that cannot be used; without, it is left '
            'out and told.'
        ),
    ] = False
    merge_labels: Annotated[
        bool,
        Field(
            description='Take labels that differ only in capitals, blanks, underscores or how '
            'Unicode writes a letter for one activity; without, they are told.'
        ),
    ] = False
    resume: Annotated[
        bool,
        Field(
            description='Go on where a run with the same settings that writes the same bundle '
            'was ended; from the beginning where there is none.'
        ),
    ] = False
    log: Annotated[
        _Path | None,
        Field(
            description='Write the losses of every epoch as CSV here while it trains.',
            json_schema_extra={'metavar': 'FILE'},
        ),
    ] = None
    tensorboard: Annotated[
        _Path | None,
        Field(
            description='Write them for TensorBoard into this folder; needs the package '
            "'tensorboard'.",
            json_schema_extra={'metavar': 'FOLDER'},
        ),
    ] = None
    json_file: Annotated[
        _Path | None,
        Field(
            alias='json',
            description='Write the scores and every label as JSON here.',
            json_schema_extra={'metavar': 'FILE'},
        ),
    ] = None

    @model_validator(mode='after')
    def _one_cache(self) -> Self:
        if self.no_cache and self.cache is not None:
            raise exclusive('cache', 'no_cache')
        return self

    @property
    def data_options(self) -> DataOptions:
        """How the recordings are read."""
        cache = None if self.no_cache else self.cache or default_cache()
        return DataOptions(cache, self.jobs, self.strict, self.merge_labels)


KEYS: Final[Mapping[str, Key]] = schema_keys(TrainingConfiguration)


_GROUPS: Final = {'method': registry.METHODS, 'encoder': registry.ENCODERS}


def explanation(key: str) -> str:
    """Say what a key is for and, of methods and encoders, which there are."""
    names = ', '.join(registry.names(_GROUPS[key])) if key in _GROUPS else ''
    words = KEYS[key].description
    return f'{words} There are {names}.' if names else words


def make_configuration(
    given: Mapping[str, Any], file: Path | None = None, prefix: str = '--'
) -> TrainingConfiguration:
    """Make a configuration of keys given, which come before those of a file.

    ``prefix`` is how keys given are called: ``--`` for options of the command line. Raises
    :class:`ConfigurationError` for a file that cannot be read, unknown or missing keys, values
    that mean nothing and keys that exclude each other, saying where.
    """
    merged = read_keys(given, file)

    def called(key: str) -> str:
        if file is not None and key in merged and key not in given:
            return f'{file}: {key}'
        return option_name(key) if prefix == '--' else f'{prefix}{key}'

    def missing(key: Key) -> str:
        words = f'is missing: {key.description[0].lower()}{key.description[1:]}'
        if prefix != '--':
            return f'{called(key.name)} {words}'
        # Recordings are no option of the command line, but what it is about.
        name = 'BAG' if key.name == 'bags' else called(key.name)
        return f'{name} {words} Give it on the command line or in the configuration file'

    for key in merged:
        if key not in KEYS:
            close = difflib.get_close_matches(key, KEYS, n=1)
            hint = f"did you mean '{close[0]}'?" if close else f'known are {", ".join(KEYS)}'
            raise ConfigurationError(f'{called(key)} is no setting of a training run: {hint}')
    return parse(TrainingConfiguration, merged, called, missing)


def make_choices(given: Mapping[str, Any]) -> RecipeChoices:
    """Make choices of keys given on the command line; raises :class:`ConfigurationError`."""
    return parse(RecipeChoices, given, option_name)


def read_keys(given: Mapping[str, Any], file: Path | None = None) -> dict[str, Any]:
    """Give keys with their values, unchecked: those given, then those of a file.

    Another ``method`` than the file's leaves the file's options of its method out. Raises
    :class:`ConfigurationError` for a file that cannot be read.
    """
    from_file = {} if file is None else read_yaml(file)
    if 'method' in given and 'option' not in given and given['method'] != from_file.get('method'):
        from_file.pop('option', None)
    return {**from_file, **given}


def as_yaml(configuration: Mapping[str, Any] | None = None) -> str:
    """Write a file with every key, explained: the values given, and the defaults of the others.

    Keys that have to be given, and are not, stand there without a value; so do those whose
    default is to be decided later.
    """
    given = configuration or {}
    lines = ['# Settings of `xmodal train`; a key without a value is not given.']
    for name, key in KEYS.items():
        value = given.get(name, key.default)
        shown = '' if value is ... or value is None else f' {on_one_line(value)}'
        needed = ' (needed)' if key.default is ... else ''
        lines += ['', f'# {explanation(name)}{needed}', f'{name}:{shown}']
    return '\n'.join(lines) + '\n'

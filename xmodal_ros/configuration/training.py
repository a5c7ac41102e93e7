"""All that a user may ask of a training run: one schema for files, options and parameters.

``xmodal train`` takes every key as an option, a YAML file as a key, a trainer node as a parameter.
What it says is checked as a whole before anything is read. This module loads no torch, so that
the command line can say what there is without it.
"""

from collections.abc import Hashable, Mapping
import difflib
from pathlib import Path
from typing import Annotated, Any, Final, get_args, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
)
from pydantic_core import PydanticKnownError
import yaml

from xmodal_ros import registry
from xmodal_ros.errors import ConfigurationError
from xmodal_ros.modalities.imu.stream import ImuChannels
from xmodal_ros.models.configuration_encoder import Size
from xmodal_ros.windows.windowing import LONGEST_S, SHORTEST_S

Balance = Literal['weights', 'sampling', 'none']
TrainingPrecision = Literal['fp32', 'bf16', 'fp16']

DEFAULT_LENGTH_S: Final = 3.0
DEFAULT_HOP_S: Final = 0.5
# What is said of a number out of its range, by the kind of error, with where its bound is told.
_BOUNDS: Final = {
    'greater_than_equal': ('at least', 'ge'),
    'greater_than': ('more than', 'gt'),
    'less_than_equal': ('at most', 'le'),
    'less_than': ('less than', 'lt'),
}


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


def _by_name(value: Any) -> Any:
    """Take ``[weight=0.3]``, as of a command line or a list parameter, for ``{weight: 0.3}``."""
    if value is None:
        return {}
    if isinstance(value, Mapping):
        return dict(value)
    named = {}
    for text in value if isinstance(value, list | tuple) else [value]:
        name, equals, setting = str(text).partition('=')
        if not name or not equals:
            raise ValueError(f'{str(text)!r} is not of the form NAME=VALUE')
        named[name] = setting
    return named


def _method(name: str) -> str:
    """Refuse a name that no method has."""
    known = registry.names(registry.METHODS)
    if name not in known:
        raise PydanticKnownError('literal_error', {'expected': ', '.join(known)})
    return name


_Names = Annotated[tuple[str, ...], BeforeValidator(_several)]
_Path = Annotated[Path, BeforeValidator(_named)]
_Paths = Annotated[tuple[_Path, ...], BeforeValidator(_several)]
_Options = Annotated[dict[str, str | bool | int | float], BeforeValidator(_by_name)]
_Count = Annotated[int, Field(ge=1, le=1_000_000_000)]


class TrainingConfiguration(BaseModel):
    """What ``xmodal train`` is asked to do; paths are relative to where it is started."""

    model_config = ConfigDict(frozen=True, extra='forbid', allow_inf_nan=False)

    bags: Annotated[
        _Paths, Field(min_length=1, description='Recordings, or folders that hold recordings.')
    ]
    target: Annotated[
        str,
        Field(min_length=1, description='The sensor that will run alone, by name or topic.'),
    ]
    test_subjects: Annotated[
        _Names,
        Field(
            min_length=1,
            description='Subjects kept out of training to score the result on: 2 4 6 8.',
        ),
    ]
    out: Annotated[_Path, Field(description='The bundle to write, a folder.')]
    source: Annotated[_Names, Field(description='Sensors that the target learns from.')] = ()
    method: Annotated[
        str,
        AfterValidator(_method),
        Field(
            description="How it learns: 'unimodal' from no source, any other method of "
            'docs/methods from some.'
        ),
    ] = 'unimodal'
    option: Annotated[
        _Options,
        Field(default_factory=dict, description='Options of the method, by name.'),
    ]
    val_subjects: Annotated[
        _Names,
        Field(
            description='Subjects to validate on; without, 15 % of the labelled segments of the '
            'training subjects do.'
        ),
    ] = ()
    unlabelled: Annotated[
        bool,
        Field(
            description='Learn from windows without a label too, in recordings that have none and '
            'between labelled segments; for methods that compare sensors moment by moment.'
        ),
    ] = False
    window: Annotated[
        float,
        Field(ge=SHORTEST_S, le=LONGEST_S, description='Length of a window in seconds.'),
    ] = DEFAULT_LENGTH_S
    hop: Annotated[
        float, Field(gt=0, le=LONGEST_S, description='Time between labels in seconds.')
    ] = DEFAULT_HOP_S
    channels: Annotated[
        ImuChannels,
        Field(description="Of an IMU: 'acc_gyro', or 'acc' for one without gyro."),
    ] = 'acc_gyro'
    size: Annotated[Size, Field(description="Of the encoders: 'small', 'default' or 'large'.")] = (
        'default'
    )
    epochs: Annotated[
        _Count | None,
        Field(description='At most so many passes over the windows; without, by the modality.'),
    ] = None
    patience: Annotated[
        _Count | None,
        Field(
            description='Epochs without a better validation loss after which it ends; without, '
            'by the modality.'
        ),
    ] = None
    batch_size: Annotated[
        _Count | None,
        Field(
            description='Windows a step, over all processes together; without, by the modality.'
        ),
    ] = None
    learning_rate: Annotated[
        float | None,
        Field(gt=0, le=1, description="The optimiser's highest rate; without, 0.002."),
    ] = None
    precision: Annotated[
        TrainingPrecision,
        Field(
            description="In which the forward passes compute: 'fp32', or mixed with 'bf16' or "
            "'fp16' where that is as good. Weights stay 'fp32'."
        ),
    ] = 'fp32'
    balance: Annotated[
        Balance,
        Field(
            description="For activities that are shown less than others: 'weights' makes each "
            "count the same in the loss, 'sampling' shows each as often, 'none' leaves them."
        ),
    ] = 'weights'
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
            'without, in ~/.cache/xmodal_ros.'
        ),
    ] = None
    no_cache: Annotated[
        bool, Field(description='Keep cut windows in memory for this run alone.')
    ] = False
    jobs: Annotated[
        _Count | None, Field(description='Processes that cut windows; without, one a CPU.')
    ] = None
    strict: Annotated[
        bool,
        Field(
            description='Stop at the first recording that cannot be used; without, it is left '
            'out and told.'
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
        Field(description='Write the losses of every epoch as CSV here while it trains.'),
    ] = None
    tensorboard: Annotated[
        _Path | None,
        Field(
            description='Write them for TensorBoard into this folder; needs the package '
            "'tensorboard'."
        ),
    ] = None
    json_file: Annotated[
        _Path | None,
        Field(alias='json', description='Write the scores and every label as JSON here.'),
    ] = None


def key_names() -> tuple[str, ...]:
    """Give the keys of the schema, in order."""
    return tuple(field.alias or name for name, field in TrainingConfiguration.model_fields.items())


def description(key: str) -> str:
    """Say what a key is for."""
    return _field(key).description or ''


def explanation(key: str) -> str:
    """Say what a key is for and, of the method, which there are."""
    names = ', '.join(registry.names(registry.METHODS)) if key == 'method' else ''
    return f'{description(key)} There are {names}.' if names else description(key)


def default(key: str) -> Any:
    """Give what holds where a key is not given; Ellipsis where it has to be."""
    field = _field(key)
    return ... if field.is_required() else field.get_default(call_default_factory=True)


def _field(key: str) -> Any:
    fields = TrainingConfiguration.model_fields
    return next(field for name, field in fields.items() if key == (field.alias or name))


def make_configuration(
    given: Mapping[str, Any], file: Path | None = None, prefix: str = '--'
) -> TrainingConfiguration:
    """Make a configuration of keys given, which come before those of a file.

    ``prefix`` is how keys given are called: ``--`` for options of the command line. Raises
    :class:`ConfigurationError` for a file that cannot be read, unknown or missing keys and
    values that mean nothing, saying where.
    """
    merged = read_keys(given, file)

    def called(key: str) -> str:
        if file is not None and key in merged and key not in given:
            return f'{file}: {key}'
        return f'--{key.replace("_", "-")}' if prefix == '--' else f'{prefix}{key}'

    known = key_names()
    for key in merged:
        if key not in known:
            close = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean '{close[0]}'?" if close else f'known are {", ".join(known)}'
            raise ConfigurationError(f'{called(key)} is no setting of a training run: {hint}')
    try:
        return TrainingConfiguration.model_validate(merged)
    except ValidationError as error:
        raise ConfigurationError(_explained(error, called)) from error


def read_keys(given: Mapping[str, Any], file: Path | None = None) -> dict[str, Any]:
    """Give keys with their values, unchecked: those given, then those of a file.

    Another ``method`` than the file's leaves the file's options of its method out. Raises
    :class:`ConfigurationError` for a file that cannot be read.
    """
    from_file = {} if file is None else _read(file)
    if 'method' in given and 'option' not in given and given['method'] != from_file.get('method'):
        from_file.pop('option', None)
    return {**from_file, **given}


def _explained(error: ValidationError, called: Any) -> str:
    problem = error.errors()[0]
    key, value = str(problem['loc'][0]), problem['input']
    name = called(key)
    if problem['type'] == 'missing':
        told = f'is missing: {description(key)[0].lower()}{description(key)[1:]}'
        if not name.startswith('--'):
            return f'{name} {told}'
        # Recordings are no option of the command line, but what it is about.
        name = 'BAG' if key == 'bags' else name
        return f'{name} {told} Give it on the command line or in the configuration file'
    if problem['type'] == 'literal_error':
        words = (
            registry.names(registry.METHODS)
            if key == 'method'
            else get_args(_field(key).annotation)
        )
        close = difflib.get_close_matches(str(value), words, n=1)
        hint = f'; did you mean {close[0]!r}?' if close else ''
        return f'{name} {value!r} is none of {", ".join(words)}{hint}'
    if problem['type'] in _BOUNDS:
        side, bound = _BOUNDS[problem['type']]
        return f'{name} {value!r}: it must be {side} {problem["ctx"][bound]}'
    return f'{name} {value!r}: {problem["msg"].removeprefix("Value error, ")}'


class _Words(yaml.SafeLoader):
    """YAML whose plain words stay words: subject 05 is not 5, and 'no' is not false."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - as yaml has it
        first: [(tag, pattern) for tag, pattern in resolvers if tag.endswith((':null', ':merge'))]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:
        """Refuse a key that is there twice, of which one would be lost."""
        seen: set[Any] = set()
        for key_node, _ in node.value:
            if key_node.tag.endswith(':merge'):
                # What '<<' brings in gives way to what is there.
                continue
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, Hashable) and key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"'{key}' is there twice", key_node.start_mark
                )
            seen.add(key if isinstance(key, Hashable) else None)
        return super().construct_mapping(node, deep)


def _read(file: Path) -> dict[str, Any]:
    try:
        content = yaml.load(file.read_text(encoding='utf-8'), _Words)  # noqa: S506 - a SafeLoader
    except (OSError, ValueError, yaml.YAMLError, RecursionError) as error:
        words = ' '.join(str(error).split())
        raise ConfigurationError(f'{file} cannot be read as a configuration: {words}') from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ConfigurationError(f"{file} must hold keys with values, as 'target: imu_wrist'")
    # A key without a value is one that is not given.
    return {str(key): value for key, value in content.items() if value is not None}


def as_yaml(configuration: Mapping[str, Any] | None = None) -> str:
    """Write a file with every key, explained: the values given, and the defaults of the others.

    Keys that have to be given, and are not, stand there without a value; so do those whose
    default is to be decided later.
    """
    given = configuration or {}
    lines = ['# Settings of `xmodal train`; a key without a value is not given.']
    for key in key_names():
        value = given.get(key, default(key))
        missing = value is ... or value is None
        shown = '' if missing else f' {_flow(value)}'
        needed = ' (needed)' if default(key) is ... else ''
        lines += ['', f'# {explanation(key)}{needed}', f'{key}:{shown}']
    return '\n'.join(lines) + '\n'


def _flow(value: Any) -> str:
    """Give a value on one line of YAML."""
    if isinstance(value, list | tuple):
        value = [str(each) for each in value]
    elif isinstance(value, Path):
        value = str(value)
    written: str = yaml.safe_dump(
        value, default_flow_style=True, allow_unicode=True, sort_keys=False, width=1 << 20
    )
    return written.removesuffix('\n').removesuffix('\n...')

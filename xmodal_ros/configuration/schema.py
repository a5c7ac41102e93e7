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

"""What a schema says of its keys, and words for values that it refuses.

A schema is a pydantic model whose fields have a description; users know a field by its alias where
it has one. Command lines, parameters and files are made of it, and so is what is said of mistakes.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
import difflib
from pathlib import Path
import types
from typing import Annotated, Any, Final, get_args, get_origin, Literal, TypeVar, Union

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError

from xmodal_ros.errors import ConfigurationError

Model = TypeVar('Model', bound=BaseModel)
# What is said of a number out of its range, by the kind of error, with where its bound is told.
_BOUNDS: Final = {
    'greater_than_equal': ('at least', 'ge'),
    'greater_than': ('more than', 'gt'),
    'less_than_equal': ('at most', 'le'),
    'less_than': ('less than', 'lt'),
}
_UNKNOWN_NAME: Final = 'unknown_name'
_EXCLUSIVE: Final = 'exclusive'
_ONE_VALUE: Final = (bool, int, float, str, Path)


@dataclass(frozen=True)
class Key:
    """A key of a schema.

    ``kind`` is the type of one value (bool, int, float, str or Path), of which there may be
    ``several``. ``default`` is Ellipsis where the key has to be given, and None where the others
    decide. ``metavar`` is what its value is called where that says more than its type.
    """

    name: str
    description: str
    kind: type
    several: bool
    default: Any
    choices: tuple[str, ...]
    metavar: str | None
    _field: FieldInfo

    def accepts(self, value: object) -> bool:
        """Tell whether the schema takes a value for this key."""
        constrained: Any = self._field.annotation
        for constraint in self._field.metadata:
            constrained = Annotated[constrained, constraint]
        try:
            TypeAdapter(constrained).validate_python(value)
        except ValidationError:
            return False
        return True


def schema_keys(model: type[BaseModel]) -> dict[str, Key]:
    """Give the keys of a schema by name, in order."""
    return {key.name: key for key in (_key(*each) for each in model.model_fields.items())}


def _key(attribute: str, field: FieldInfo) -> Key:
    kind, several = _value_type(field.annotation)
    extra = field.json_schema_extra
    return Key(
        name=field.alias or attribute,
        description=field.description or '',
        kind=kind,
        several=several,
        default=... if field.is_required() else _default(field),
        choices=get_args(field.annotation) if get_origin(field.annotation) is Literal else (),
        metavar=str(extra['metavar']) if isinstance(extra, dict) and 'metavar' in extra else None,
        _field=field,
    )


def _default(field: FieldInfo) -> Any:
    if field.default_factory_takes_validated_data:
        return None
    return field.get_default(call_default_factory=True)


def _value_type(annotation: Any) -> tuple[type, bool]:
    """Give the type of one value, and whether there may be several."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _value_type(parts[0])
    if origin in (Union, types.UnionType):
        return _value_type(next(part for part in parts if part is not types.NoneType))
    if origin is tuple:
        return _value_type(parts[0])[0], True
    if origin is dict:
        # As NAME=VALUE.
        return str, True
    if origin is Literal:
        return str, False
    if annotation not in _ONE_VALUE:
        raise TypeError(f'{annotation} is no type of a setting')
    return annotation, False


def by_name(value: Any) -> Any:
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
        if name in named:
            raise ValueError(f'{name!r} is named twice')
        named[name] = setting
    return named


def option_name(key: str) -> str:
    """Give what a key is called on the command line."""
    return f'--{key.replace("_", "-")}'


def parse(
    model: type[Model],
    values: Mapping[str, Any],
    called: Callable[[str], str],
    missing: Callable[[Key], str] | None = None,
) -> Model:
    """Make a model of values by key.

    ``called`` gives what a key is called where the values come from, ``missing`` what is said of
    one that is needed and not there. Raises :class:`ConfigurationError` for such keys and for
    values that mean nothing.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise ConfigurationError(_explain(model, error, called, missing)) from error


def unknown_name(names: Sequence[str]) -> PydanticCustomError:
    """Give the error to raise for a word that is none of some names, which is then explained."""
    return PydanticCustomError(_UNKNOWN_NAME, 'not one of {names}', {'names': list(names)})


def exclusive(*keys: str) -> PydanticCustomError:
    """Give the error to raise for keys that are given together and must not be."""
    return PydanticCustomError(_EXCLUSIVE, '{keys} exclude each other', {'keys': list(keys)})


def _explain(
    model: type[BaseModel],
    error: ValidationError,
    called: Callable[[str], str],
    missing: Callable[[Key], str] | None,
) -> str:
    problem = error.errors()[0]
    kind, context = problem['type'], problem.get('ctx', {})
    if kind == _EXCLUSIVE:
        names = ' and '.join(map(called, context['keys']))
        return f'{names} exclude each other: give one of them'
    key, value = schema_keys(model)[str(problem['loc'][0])], problem['input']
    name = called(key.name)
    if kind == 'missing':
        return missing(key) if missing else f'{name} is missing: {key.description}'
    if kind in ('literal_error', _UNKNOWN_NAME):
        words = context['names'] if kind == _UNKNOWN_NAME else key.choices
        close = difflib.get_close_matches(str(value), words, n=1)
        hint = f'; did you mean {close[0]!r}?' if close else ''
        return f'{name} {value!r} is none of {", ".join(words)}{hint}'
    if kind in _BOUNDS:
        side, bound = _BOUNDS[kind]
        return f'{name} {value!r}: it must be {side} {context[bound]}'
    shown = ' '.join(map(str, value)) if isinstance(value, list | tuple) else value
    return f'{name} {shown!r}: {problem["msg"].removeprefix("Value error, ")}'

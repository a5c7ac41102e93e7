"""What a bundle expects of a topic; read without torch, which a robot may lack."""

from collections.abc import Mapping
from dataclasses import dataclass, field
import hashlib
import json
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, ValidationError

from xmodal_ros.errors import BundleError
from xmodal_ros.modalities.registry import find_modality, StreamSpec
from xmodal_ros.paths import is_folder
from xmodal_ros.windows.windowing import WindowingSpec

# Steps that leave the channels before them where they are, and append others.
_APPENDING: Final = ('motion', 'magnitude')
_FILES: Final = ('model.safetensors', 'golden.safetensors')


@dataclass(frozen=True)
class Expectation:
    """What a model wants: the stream, and the windows that are cut of it.

    ``statistics`` are of the data that it learnt from, as far as bundle and modality tell them
    (:meth:`~xmodal_ros.modalities.modality.Modality.expected_statistics`).
    """

    path: Path
    sensor: str
    labels: tuple[str, ...]
    stream: StreamSpec
    window: WindowingSpec
    statistics: Mapping[str, float] = field(default_factory=dict)

    @property
    def modality(self) -> str:
        """The modality that the model runs on."""
        return self.stream.modality

    def describe(self) -> str:
        """Say it in words for a person."""
        window = self.window
        details = f' ({words})' if (words := self.stream.describe()) else ''
        return (
            f'{self.modality}{details} at {window.rate_hz} Hz, windows of '
            f'{window.length_ns / 1e9:g} s every {window.hop_ns / 1e9:g} s'
        )


class _Document(BaseModel):
    """The part of ``bundle.json`` that is about topics."""

    model_config = ConfigDict(extra='ignore')

    sensor: str
    labels: tuple[str, ...]
    stream: StreamSpec
    window: WindowingSpec
    preprocessing: tuple[dict[str, Any], ...] = ()
    weights_sha256: str = ''


def read_expectation(path: Path) -> Expectation:
    """Read what a bundle wants, and check that its files are there and whole.

    The golden sample is not tried: that takes torch, and the node does it when it starts. Raises
    :class:`BundleError`.
    """
    if not is_folder(path):
        raise BundleError(f'there is no bundle at {path}: give the folder that training wrote')
    file = path / 'bundle.json'
    try:
        document = _Document.model_validate(json.loads(file.read_text(encoding='utf-8')))
    except FileNotFoundError:
        raise BundleError(f'{path} is no bundle: it holds no bundle.json') from None
    except ValidationError as error:
        problem = error.errors()[0]
        where = '.'.join(str(part) for part in problem['loc']) or 'the document'
        raise BundleError(
            f'{file}: {where}: {problem["msg"]}: train the model again, or install the version '
            'of xmodal_ros that wrote it'
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise BundleError(f'{file} cannot be read: {error}') from None
    _check_files(path, document.weights_sha256)
    return Expectation(
        path,
        document.sensor,
        document.labels,
        document.stream,
        document.window,
        _statistics(document),
    )


def _check_files(path: Path, expected: str) -> None:
    for name in _FILES:
        if not (path / name).is_file():
            raise BundleError(f'bundle {path} lacks {name}: copy the whole folder again')
    try:
        with (path / _FILES[0]).open('rb') as handle:
            found = hashlib.file_digest(handle, 'sha256').hexdigest()
    except OSError as error:
        raise BundleError(f'{path / _FILES[0]} cannot be read: {error}') from None
    if found != expected:
        raise BundleError(
            f'{path / _FILES[0]} is not the file this bundle was made with (sha256 {found[:12]}…, '
            f'expected {expected[:12]}…): copy the whole folder again'
        )


def _statistics(document: _Document) -> Mapping[str, float]:
    """Take them from the first channels that are standardised, which are raw."""
    modality = find_modality(document.stream.modality)
    for step in document.preprocessing:
        if step.get('kind') == 'standardise':
            try:
                return modality.expected_statistics(step['mean'], step['std'])
            except (KeyError, TypeError, ValueError):
                break
        if step.get('kind') not in _APPENDING:
            break
    return {}

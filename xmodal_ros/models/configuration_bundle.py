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

"""What a bundle says of itself: the one reader of ``bundle.json``, without torch.

A bundle is a folder. ``bundle.json`` says everything about the model, ``model.safetensors`` holds
its weights and ``golden.safetensors`` a raw window with the logits it must give. Nothing is ever
unpickled.
"""

from collections.abc import Mapping
import hashlib
import json
from pathlib import Path
import struct
from typing import Annotated, Any, Final, Literal, Self, TYPE_CHECKING
import warnings

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
    ValidationError,
)

from xmodal_ros.activities import UNKNOWN
from xmodal_ros.errors import BundleError
from xmodal_ros.modalities.registry import find_modality, StreamSpec
from xmodal_ros.models.configuration_encoder import EncoderSpec
from xmodal_ros.models.configuration_ensemble import EnsembleConfig
from xmodal_ros.models.configuration_patch import PatchSpec
from xmodal_ros.models.configuration_preprocessing import PreprocessingStep, StandardiseStep
from xmodal_ros.models.consistency import check_model
from xmodal_ros.paths import is_folder
from xmodal_ros.windows.windowing import WindowingSpec

if TYPE_CHECKING:
    from xmodal_ros.models.classifier import Classifier

FORMAT_VERSION: Final = 1
DOCUMENT, WEIGHTS, GOLDEN = 'bundle.json', 'model.safetensors', 'golden.safetensors'
DOCUMENT_SHA256 = 'bundle_json_sha256'
# Far more than any document; a file that is not one must not fill the memory.
_LARGEST_DOCUMENT: Final = 1 << 26
# Of weights and of golden samples, which are read whole; the largest model has a few 100 MB.
_LARGEST_FILE: Final = 1 << 31
# A safetensors file begins with the length of its JSON header, which holds the metadata.
_HEADER_LENGTH: Final = struct.Struct('<Q')


class BundleInfo(BaseModel):
    """The content of ``bundle.json``."""

    model_config = ConfigDict(frozen=True, extra='forbid', protected_namespaces=())

    format_version: Literal[1] = FORMAT_VERSION
    labels: Annotated[tuple[str, ...], Field(min_length=2)]
    sensor: str
    stream: StreamSpec
    window: WindowingSpec
    preprocessing: tuple[PreprocessingStep, ...]
    encoder: EncoderSpec
    patch: PatchSpec | None = None
    ensemble: EnsembleConfig | None = None
    method: str
    sources: tuple[str, ...] = ()
    temperature: Annotated[float, Field(ge=1e-3, le=1e3)] = 1.0
    unknown_threshold: Annotated[float, Field(ge=0, lt=1)] = 0.0
    provenance: dict[str, Any] = {}
    scores: dict[str, float] = {}
    weights_sha256: str = ''

    @field_validator('provenance')
    @classmethod
    def _subjects_by_part(cls, value: dict[str, Any]) -> dict[str, Any]:
        subjects = value.get('subjects', {})
        if not isinstance(subjects, dict) or not all(
            isinstance(names, list | tuple) for names in subjects.values()
        ):
            raise ValueError('subjects must list names by part: training, validation, test')
        return value

    @model_validator(mode='after')
    def _consistent(self) -> Self:
        if len(set(self.labels)) < len(self.labels) or UNKNOWN in self.labels or '' in self.labels:
            raise ValueError(f"labels must differ, and '{UNKNOWN}' and '' are reserved")
        check_model(self.stream, self.window, self.preprocessing, self.encoder)
        if self.patch is not None:
            self.patch.check(self.encoder.dim)
        if self.ensemble is not None:
            self.ensemble.check(self.encoder.input, len(self.labels))
        return self

    @property
    def modality(self) -> str:
        """The modality the model runs on."""
        return self.stream.modality

    @property
    def subjects_trained_on(self) -> tuple[str, ...]:
        """The people whose recordings the model was trained or its settings chosen on."""
        subjects = self.provenance.get('subjects', {})
        return tuple(
            str(name) for part in ('training', 'validation') for name in subjects.get(part, ())
        )

    @property
    def learnt_rate_hz(self) -> float:
        """The rate of messages that the model learnt from, at most that of its windows."""
        rate_hz = self.provenance.get('message_rate_hz')
        # Python takes true for the number 1.
        if isinstance(rate_hz, int | float) and not isinstance(rate_hz, bool) and rate_hz > 0:
            return min(self.window.rate_hz, rate_hz)
        return self.window.rate_hz

    @property
    def window_shape(self) -> tuple[int, ...]:
        """The shape of one raw window."""
        return (self.window.steps, *self.stream.sample_shape)

    def make_classifier(self) -> 'Classifier':
        """Build the classifier with fresh weights; imports torch."""
        from xmodal_ros.models.classifier import Classifier
        from xmodal_ros.models.modeling_preprocessing import Preprocessing

        classifier = Classifier(
            Preprocessing(self.preprocessing),
            self.encoder,
            self.stream.channel_count,
            len(self.labels),
        )
        if self.patch is not None:
            classifier.attach(self.patch.build(self.encoder.dim))
        if self.ensemble is not None:
            channels = classifier.preprocessing.channels(self.stream.channel_count)
            classifier.join(self.ensemble.build(channels, len(self.labels)))
        return classifier


def read_file(file: Path) -> bytes:
    """Read a file of a bundle; raises :class:`BundleError` where it is none.

    Whole: one that is mapped ends the process when it is cut short meanwhile.
    """
    _check_file(file)
    return file.read_bytes()


def file_sha256(file: Path) -> str:
    """Hash a file of a bundle; raises :class:`BundleError` where it is none."""
    _check_file(file)
    with file.open('rb') as handle:
        return hashlib.file_digest(handle, 'sha256').hexdigest()


def _check_file(file: Path) -> None:
    if not file.exists():
        raise BundleError(f'bundle {file.parent} lacks {file.name}: copy the whole folder again')
    if not file.is_file():
        # A pipe would never end.
        raise BundleError(f'{file} is no file: copy the whole folder again')
    if (size := file.stat().st_size) > _LARGEST_FILE:
        raise BundleError(f'{file} has {size} bytes, more than any model: copy the folder again')


def is_bundle(path: Path) -> bool:
    """Tell whether a folder holds what is named as the document of a bundle."""
    try:
        return (path / DOCUMENT).is_file()
    except OSError:
        return False


def document_sha256(content: object) -> str:
    """Hash what a document says, however it is laid out."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def read_bundle_info(path: Path) -> BundleInfo:
    """Read and check ``bundle.json`` alone; raises :class:`BundleError`."""
    document = path / DOCUMENT
    if not is_folder(path):
        raise BundleError(f'there is no bundle at {path}: give the folder that training wrote')
    try:
        if document.stat().st_size > _LARGEST_DOCUMENT or not document.is_file():
            raise BundleError(
                f'{document} is no document of a bundle, by its size or kind: copy the whole '
                'folder again'
            )
        content = json.loads(document.read_text(encoding='utf-8'))
    except FileNotFoundError:
        raise BundleError(f'{path} is no bundle: it holds no {DOCUMENT}') from None
    except (OSError, ValueError, RecursionError) as error:
        raise BundleError(f'{document} cannot be read: {error}') from error
    version = content.get('format_version') if isinstance(content, dict) else None
    if version != FORMAT_VERSION:
        raise BundleError(
            f'{path} is of bundle format {version!r}, this version reads {FORMAT_VERSION}: '
            'train the model again or install the version of xmodal_ros that wrote it'
        )
    try:
        return BundleInfo.model_validate(content)
    except ValidationError as error:
        problem = error.errors()[0]
        where = '.'.join(str(part) for part in problem['loc']) or 'the document'
        raise BundleError(f'{document}: {where}: {problem["msg"]}') from error


def check_bundle(path: Path) -> BundleInfo:
    """Prove a bundle's files unaltered without building the model; raises BundleError."""
    info = read_bundle_info(path)
    weights_file = path / WEIGHTS
    try:
        found = file_sha256(weights_file)
        if found != info.weights_sha256:
            raise BundleError(
                f'{weights_file} is not the file this bundle was made with (sha256 {found[:12]}…, '
                f'expected {info.weights_sha256[:12]}…): copy the whole folder again'
            )
        stated = _metadata(read_file(path / GOLDEN)).get(DOCUMENT_SHA256)
        found = bundle_sha256(path)
    except (OSError, ValueError, RecursionError) as error:
        raise BundleError(f'bundle {path} cannot be loaded: {error}') from error
    if stated is None:
        # Written before documents were hashed.
        warnings.warn(
            f'bundle {path} does not say what its {DOCUMENT} was: whether somebody changed it '
            f'cannot be told; train it again to be sure, or let "xmodal bundle migrate {path}" '
            'note what it is now',
            stacklevel=2,
        )
    elif found != stated:
        raise BundleError(
            f'{path / DOCUMENT} is not the document this bundle was made with: copy the whole '
            'folder again, and set thresholds by parameters'
        )
    return info


def has_document_sha256(path: Path) -> bool:
    """Tell whether a bundle proves its document, as those of today do."""
    try:
        return DOCUMENT_SHA256 in _metadata(read_file(path / GOLDEN))
    except (OSError, ValueError) as error:
        raise BundleError(f'bundle {path} cannot be read: {error}') from error


def _metadata(content: bytes) -> dict[str, str]:
    """Give the metadata of a safetensors file; raises ValueError where it is none."""
    if len(content) < _HEADER_LENGTH.size:
        raise ValueError('a golden sample of a few bytes')
    (length,) = _HEADER_LENGTH.unpack_from(content)
    header = json.loads(content[_HEADER_LENGTH.size : _HEADER_LENGTH.size + length])
    metadata = header.get('__metadata__') if isinstance(header, dict) else None
    return metadata if isinstance(metadata, dict) else {}


def bundle_sha256(path: Path) -> str:
    """Name a checked bundle by one number: that of its document, which holds its weights'."""
    return document_sha256(json.loads((path / DOCUMENT).read_text(encoding='utf-8')))


def learnt_statistics(info: BundleInfo) -> Mapping[str, float]:
    """Give what a bundle tells of the data that it learnt from, as far as its modality knows.

    That is :meth:`~xmodal_ros.modalities.modality.Modality.expected_statistics` of the first
    channels that are standardised, which are raw.
    """
    # Whatever comes before them leaves the channels where they are, and appends others.
    for step in info.preprocessing:
        if isinstance(step, StandardiseStep):
            return find_modality(info.modality).expected_statistics(step.mean, step.std)
    return {}

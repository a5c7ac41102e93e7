"""A bundle: the folder in which a classifier travels from the trainer to a robot.

``bundle.json`` says everything about the model, ``model.safetensors`` holds its weights and
``golden.safetensors`` a raw window with the logits it must give. Nothing is ever unpickled.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
import hashlib
import json
import os
from pathlib import Path
import shutil
import struct
import tempfile
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
    ValidationError,
)
from safetensors import SafetensorError
from safetensors.torch import load, save
import torch
from torch import Tensor

from xmodal_ros.activities import UNKNOWN
from xmodal_ros.errors import BundleError
from xmodal_ros.files import atomic_swap
from xmodal_ros.modalities.sensor import MODALITIES, Modality
from xmodal_ros.modalities.stream import StreamSpec
from xmodal_ros.models.classifier import Classifier
from xmodal_ros.models.consistency import check_model
from xmodal_ros.models.encoders import EncoderSpec
from xmodal_ros.models.golden import GoldenSample
from xmodal_ros.models.patch import check_patch, make_patch, PatchSpec
from xmodal_ros.models.precision import computing, Precision
from xmodal_ros.models.preprocessing import Preprocessing, PreprocessingStep
from xmodal_ros.paths import is_folder
from xmodal_ros.windows.windowing import WindowingSpec

FORMAT_VERSION: Final = 1
_DOCUMENT, _WEIGHTS, _GOLDEN = 'bundle.json', 'model.safetensors', 'golden.safetensors'
_DOCUMENT_SHA256 = 'bundle_json_sha256'
# Far more than any document; a file that is not one must not fill the memory.
_LARGEST_DOCUMENT: Final = 1 << 26
# A safetensors file begins with the length of its JSON header, which holds the metadata.
_HEADER_LENGTH: Final = struct.Struct('<Q')


class DeviceFullError(BundleError):
    """A bundle does not fit into the memory that its device has free."""


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
            check_patch(self.patch, self.encoder.dim)
        return self

    @property
    def modality(self) -> Modality:
        """The modality the model runs on."""
        return self.stream.modality

    @property
    def subjects_trained_on(self) -> tuple[str, ...]:
        """The people whose recordings taught the model or chose its settings."""
        subjects = self.provenance.get('subjects', {})
        return tuple(
            str(name) for part in ('training', 'validation') for name in subjects.get(part, ())
        )

    @property
    def window_shape(self) -> tuple[int, ...]:
        """The shape of one raw window."""
        return (self.window.steps, *self.stream.sample_shape)

    def make_classifier(self) -> Classifier:
        """Build the classifier with fresh weights."""
        classifier = Classifier(
            Preprocessing(self.preprocessing),
            self.encoder,
            self.stream.channel_count,
            len(self.labels),
        )
        if self.patch is not None:
            classifier.attach(make_patch(self.patch, self.encoder.dim))
        return classifier


@dataclass(frozen=True, eq=False)
class Bundle:
    """A loaded model, in eval mode on ``device``, and what its document says."""

    path: Path
    info: BundleInfo
    classifier: Classifier
    device: torch.device
    precision: Precision = 'fp32'

    def logits(self, window: Tensor) -> Tensor:
        """Give the logits (B, classes) of raw windows (B, steps, ...) on any device."""
        with computing(self.device, self.precision):
            answer: Tensor = self.classifier(window.to(self.device))
        return answer


def save_bundle(
    path: Path,
    info: BundleInfo,
    classifier: Classifier,
    golden_window: Tensor,
    notes: Mapping[str, str] | None = None,
) -> BundleInfo:
    """Write a bundle, whole or not at all; gives the document as written.

    ``golden_window`` is one raw window (steps, ...) in SI units. ``notes`` are texts for people,
    by file name, on which nothing depends. A bundle that is there already is replaced in one
    step. Raises :class:`BundleError` when the folder cannot be written, and for what no robot
    could run.
    """
    if info.modality not in MODALITIES:
        raise BundleError(
            f'a model for {info.modality} is not written: no robot has a sensor that gives it, so '
            'it can be a source, or the target of a study'
        )
    classifier.eval()
    weights = {name: t.detach().cpu().contiguous() for name, t in classifier.state_dict().items()}
    with torch.no_grad():
        device = next(classifier.parameters()).device
        logits = classifier(golden_window[None].to(device))[0].cpu()
    with _replacing(path) as folder:
        # Not by safetensors' own writing of files, whose errors do not tell a full disk.
        (folder / _WEIGHTS).write_bytes(save(weights))
        written = info.model_copy(update={'weights_sha256': _sha256(folder / _WEIGHTS)})
        content = written.model_dump(mode='json')
        text = json.dumps(content, indent=2, allow_nan=False) + '\n'
        (folder / _DOCUMENT).write_text(text, encoding='utf-8')
        golden = {'window': golden_window.contiguous(), 'logits': logits}
        proof = {_DOCUMENT_SHA256: _document_sha256(content)}
        (folder / _GOLDEN).write_bytes(save(golden, proof))
        for name, note in (notes or {}).items():
            (folder / name).write_text(note, encoding='utf-8')
    return written


def check_replaceable(path: Path) -> None:
    """Raise :class:`BundleError` when a bundle cannot be written at ``path``.

    That is where something lies that is no bundle, and where no folder can be made beside it.
    """
    foreign = path.exists() and not (path / _DOCUMENT).is_file()
    if foreign and (not path.is_dir() or any(path.iterdir())):
        raise BundleError(f'{path} is not a bundle: refusing to replace it, choose another path')
    _folder_beside(path).rmdir()


def _folder_beside(path: Path) -> Path:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix=f'.{path.name}-', dir=path.parent))
    except OSError as error:
        raise BundleError(f'cannot write a bundle at {path}: {error}') from error


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """Give a fresh folder beside ``path`` that takes its place when the block succeeds."""
    check_replaceable(path)
    folder = _folder_beside(path)
    try:
        yield folder
        folder.chmod(0o755)
        for file in folder.iterdir():
            # Trained by one user, a bundle is run by another.
            file.chmod(0o644)
            with file.open('rb') as handle:
                os.fsync(handle.fileno())
        if path.exists():
            # Whoever loads it meanwhile finds the old bundle or the new one.
            atomic_swap(folder, path)
        else:
            folder.rename(path)
    except OSError as error:
        raise BundleError(f'cannot write a bundle at {path}: {error}') from error
    finally:
        if folder.is_symlink():
            # What was replaced was a link; what it leads to stays.
            folder.unlink()
        else:
            shutil.rmtree(folder, ignore_errors=True)


def _read(file: Path) -> bytes:
    """Read a file whole: one that is mapped ends the process when it is cut short meanwhile."""
    if not file.is_file():
        # A pipe would never end.
        raise BundleError(f'{file} is no file: copy the whole folder again')
    return file.read_bytes()


def _sha256(file: Path) -> str:
    if not file.is_file():
        raise BundleError(f'{file} is no file: copy the whole folder again')
    with file.open('rb') as handle:
        return hashlib.file_digest(handle, 'sha256').hexdigest()


def _document_sha256(content: object) -> str:
    """Hash what a document says, however it is laid out."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def read_bundle_info(path: Path) -> BundleInfo:
    """Read and check ``bundle.json`` alone; raises :class:`BundleError`."""
    document = path / _DOCUMENT
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
        raise BundleError(f'{path} is no bundle: it holds no {_DOCUMENT}') from None
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
    weights_file = path / _WEIGHTS
    try:
        found = _sha256(weights_file)
        if found != info.weights_sha256:
            raise BundleError(
                f'{weights_file} is not the file this bundle was made with (sha256 {found[:12]}…, '
                f'expected {info.weights_sha256[:12]}…): copy the whole folder again'
            )
        stated = _metadata(_read(path / _GOLDEN)).get(_DOCUMENT_SHA256)
        found = bundle_sha256(path)
    except (OSError, ValueError) as error:
        raise BundleError(f'bundle {path} cannot be loaded: {error}') from error
    if found != stated:
        raise BundleError(
            f'{path / _DOCUMENT} is not the document this bundle was made with: copy the whole '
            'folder again, and set thresholds by parameters'
        )
    return info


def load_bundle(
    path: Path, device: torch.device | str = 'cpu', precision: Precision = 'fp32'
) -> Bundle:
    """Load a bundle and prove it whole: document, hashes, golden sample on this very device.

    Raises :class:`BundleError` saying what does not hold, and what to do.
    """
    info = check_bundle(path)
    device = torch.device(device)
    try:
        content = _read(path / _WEIGHTS)
        if hashlib.sha256(content).hexdigest() != info.weights_sha256:
            raise BundleError(f'{path / _WEIGHTS} changes while it is read: try again later')
        weights = load(content)
        golden = read_golden(path, info)
        classifier = info.make_classifier()
        classifier.load_state_dict(weights)
        bundle = Bundle(path, info, classifier.to(device).eval(), device, precision)
        golden.check(path, bundle.logits(golden.window[None])[0], device, precision)
    except torch.OutOfMemoryError as error:
        raise DeviceFullError(
            f'bundle {path} does not fit into the memory of {device} that is free: end another '
            "program there, or choose device 'cpu'"
        ) from error
    except (OSError, SafetensorError, RuntimeError) as error:
        # A mismatch of weights is told in many lines; the first says which bundle, one what.
        words = ' '.join(str(error).split())
        raise BundleError(f'bundle {path} cannot be loaded: {words}') from error
    return bundle


def read_golden(path: Path, info: BundleInfo) -> GoldenSample:
    """Read the raw window that proves a bundle, and its logits; raises :class:`BundleError`."""
    file = path / _GOLDEN
    try:
        tensors = load(_read(file))
    except (OSError, SafetensorError) as error:
        raise BundleError(f'bundle {path} cannot be loaded: {error}') from error
    window, logits = tensors.get('window'), tensors.get('logits')
    if (
        window is None
        or logits is None
        or tuple(window.shape) != info.window_shape
        or tuple(logits.shape) != (len(info.labels),)
    ):
        raise BundleError(
            f'{file} does not hold a window of {info.window_shape} and '
            f'{len(info.labels)} logits: copy the whole folder again'
        )
    return GoldenSample(window, logits)


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
    return _document_sha256(json.loads((path / _DOCUMENT).read_text(encoding='utf-8')))

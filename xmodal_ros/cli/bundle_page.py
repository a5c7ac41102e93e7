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

"""What ``xmodal inspect`` shows of a bundle."""

from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from xmodal_ros.models.configuration_bundle import BundleInfo, check_bundle
from xmodal_ros.models.description import describe_model, ModelDescription
from xmodal_ros.models.onnx_model import ONNX_FILE


def inspect_bundle(path: Path) -> tuple[RenderableType, dict[str, object]]:
    """Prove a bundle's files unaltered and measure its model; gives a page, and the same as JSON.

    Raises :class:`BundleError`.
    """
    info = check_bundle(path)
    model = describe_model(info)
    onnx = (path / ONNX_FILE).is_file()
    return _page(path, info, model, onnx), _as_json(path, info, model, onnx)


def _page(path: Path, info: BundleInfo, model: ModelDescription, onnx: bool) -> Group:
    facts = Table.grid(padding=(0, 2))
    seconds = info.window.length_ns / 1e9
    rows = {
        'path': str(path),
        'sensor': f'{info.sensor} ({info.modality})',
        'method': ', '.join([info.method, *(f'learnt from {name}' for name in info.sources)]),
        'activities': f'{len(info.labels)}: {", ".join(info.labels)}',
        'window': f'{_shape(model.window)}: {seconds:g} s at {info.window.rate_hz} Hz, a label '
        f'every {info.window.hop_ns / 1e9:g} s',
        'input': f'{_shape(model.frames)} after preprocessing',
        'tokens': f'{model.tokens[0]} of {model.tokens[1]} dimensions',
        'bank': f'{model.bank} stored samples' if model.bank else '',
        'size': model.size,
        'calibration': f'temperature {info.temperature:.3g}, unknown below '
        f'{info.unknown_threshold:.3g}',
        'scores': ', '.join(f'{name} {score:.3f}' for name, score in info.scores.items()),
        'ONNX': f"{ONNX_FILE}, for runtime 'onnx'" if onnx else '',
    }
    for name, words in rows.items():
        if words:
            facts.add_row(name, Text(words))
    warnings = [Text(f'warning: {each}', style='yellow') for each in _warnings(info)]
    return Group(Text(path.name, style='bold'), facts, _parts(model), *warnings, '')


def _warnings(info: BundleInfo) -> list[str]:
    """Give what its training said of its figures; those of other programs may say nothing."""
    said = info.provenance.get('warnings', ())
    return [each for each in said if isinstance(each, str)] if isinstance(said, list) else []


def _parts(model: ModelDescription) -> Table:
    table = Table(
        title='parts', title_justify='left', box=SIMPLE_HEAD, pad_edge=False, show_footer=True
    )
    table.add_column('part', footer='all')
    table.add_column('parameters', justify='right', footer=f'{model.parameters:,}')
    table.add_column('MACs a window', justify='right', footer=f'{model.macs:,}')
    for part in model.parts:
        table.add_row(part.name, f'{part.parameters:,}', f'{part.macs:,}')
    return table


def _shape(shape: tuple[int, ...]) -> str:
    return ' × '.join(map(str, shape))


def _as_json(
    path: Path, info: BundleInfo, model: ModelDescription, onnx: bool
) -> dict[str, object]:
    return {
        'path': str(path),
        'sensor': info.sensor,
        'modality': info.modality,
        'method': info.method,
        'sources': list(info.sources),
        'labels': list(info.labels),
        'window_shape': list(model.window),
        'input_shape': list(model.frames),
        'tokens': list(model.tokens),
        'bank': model.bank,
        'parameters': {part.name: part.parameters for part in model.parts},
        'macs': {part.name: part.macs for part in model.parts},
        'scores': info.scores,
        'warnings': _warnings(info),
        'onnx': onnx,
    }

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

"""What ``xmodal export`` does, apart from its options."""

from pathlib import Path

from rich.console import Console
from rich.markup import escape

from xmodal_ros.files import check_writable
from xmodal_ros.models.bundle import load_bundle
from xmodal_ros.models.onnx_export import check_parity, export_onnx, write_onnx
from xmodal_ros.models.onnx_model import ONNX_FILE
from xmodal_ros.models.precision import TOLERANCES
from xmodal_ros.runtime.devices import make_deterministic


def run(path: Path, file: Path | None, opset: int) -> Path:
    """Export the bundle at ``path``, compare, write, and say so; gives the file written.

    Without ``file`` it goes into the bundle. Raises :class:`XmodalError` subclasses.
    """
    console = Console(stderr=True)
    make_deterministic()
    bundle = load_bundle(path)
    if file is None:
        check_writable(path / ONNX_FILE)
    content = export_onnx(bundle, opset)
    parity = check_parity(bundle, content)
    written = write_onnx(bundle, content, file)
    console.print(
        f'parity: logits within {parity.largest:.2g} of those of torch over {parity.windows} '
        f'windows, {parity.share:.1%} of what is allowed ({TOLERANCES["fp32"]:g} times the '
        'largest logit, or times 1 where that is less)',
        soft_wrap=True,
        highlight=False,
    )
    console.print(
        f'written: {escape(str(written))} (opset {opset}, {len(content) / 1024:.0f} KiB)',
        soft_wrap=True,
        highlight=False,
    )
    return written

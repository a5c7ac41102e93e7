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

"""What it costs to look at the bank of the Attention Patch."""

from collections.abc import Iterator
from pathlib import Path

from benchmarks.harness import row, Sides

_ROWS, _DIM = 65_536, 64


@row(
    'bank attention',
    'What does one query of the largest bank cost?',
    aim=0.9,
    ours='the Attention Patch, exactly, over 65,536 keys and values of 64 dimensions',
    plain="torch's scaled_dot_product_attention over the same",
)
def attend(_folder: Path) -> Iterator[Sides]:
    """Compare on one thread, without gradients."""
    import torch
    from torch.nn.functional import scaled_dot_product_attention

    from xmodal_ros.models.configuration_patch import AttentionPatchConfig
    from xmodal_ros.models.modeling_patch import AttentionPatch

    torch.set_num_threads(1)
    torch.manual_seed(0)
    patch = AttentionPatch(AttentionPatchConfig(bank=_ROWS, key_dim=_DIM, value_dim=_DIM), _DIM)
    patch.store(torch.randn(_ROWS, _DIM), torch.randn(_ROWS, _DIM))
    feature = torch.randn(1, _DIM)

    @torch.no_grad()
    def plain() -> torch.Tensor:
        return scaled_dot_product_attention(patch.query(feature), patch.keys, patch.values)

    @torch.no_grad()
    def ours() -> torch.Tensor:
        return patch.attend(feature)

    torch.testing.assert_close(ours(), plain())
    yield Sides(ours, plain, unit='query')

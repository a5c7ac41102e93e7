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

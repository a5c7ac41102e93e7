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

"""The multimodal branch: who is missing has no say."""

import pytest
import torch

from xmodal_ros.methods.multimodal_transformer import attention_rows, MultimodalTransformer

LENGTHS = (5, 3, 7)


@pytest.fixture
def transformer() -> MultimodalTransformer:
    torch.manual_seed(0)
    return MultimodalTransformer(3, 16, 4, 3, 0.1).eval()


def tokens(seed: int = 0, batch: int = 4) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn((batch, length, 16), generator=generator) for length in LENGTHS]


def presence(*missing: tuple[int, int]) -> torch.Tensor:
    mask = torch.ones(4, 3, dtype=torch.bool)
    for row, sensor in missing:
        mask[row, sensor] = False
    return mask


def test_shapes_are_those_of_each_sensor(transformer):
    fused = transformer(tokens(), presence())
    assert fused.feature.shape == (4, 16)
    assert fused.logits.shape == (4, 3)
    assert [rows.shape for rows in fused.attention] == [(4, n, n) for n in LENGTHS]
    for rows in fused.attention:
        torch.testing.assert_close(rows.sum(-1), torch.ones(rows.shape[:2]))


@pytest.mark.parametrize('junk', [0.0, 1e6, float('nan')])
def test_what_stands_for_a_missing_sensor_does_not_matter(transformer, junk):
    present = presence((1, 0), (2, 2), (3, 0), (3, 1))
    expected = transformer(tokens(), present)
    changed = tokens()
    for row, sensor in (~present).nonzero().tolist():
        changed[sensor][row] = junk
    found = transformer(changed, present)
    assert torch.equal(found.logits, expected.logits)
    assert torch.equal(found.feature, expected.feature)
    found.logits.sum().backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in transformer.parameters())


def test_a_missing_sensor_changes_what_is_said_of_that_window_only(transformer):
    whole, partly = transformer(tokens(), presence()), transformer(tokens(), presence((1, 0)))
    torch.testing.assert_close(whole.logits[[0, 2, 3]], partly.logits[[0, 2, 3]])
    assert not torch.allclose(whole.logits[1], partly.logits[1])


def test_no_gradient_reaches_a_missing_sensor_and_none_breaks(transformer):
    given = [each.requires_grad_() for each in tokens()]
    transformer(given, presence((1, 0), (2, 1), (2, 2))).logits.sum().backward()
    for row, sensor in ((1, 0), (2, 1), (2, 2)):
        assert given[sensor].grad is not None
        assert (given[sensor].grad[row] == 0).all()  # type: ignore[index]
    assert all(each.grad.isfinite().all() for each in given)  # type: ignore[union-attr]
    assert given[0].grad[2].abs().sum() > 0  # type: ignore[index]


def test_with_one_sensor_it_is_its_self_attention_and_mean(transformer):
    found = transformer(tokens(), presence(*[(row, n) for row in range(4) for n in (1, 2)]))
    attended, query, key, _ = transformer.within[0](tokens()[0])
    torch.testing.assert_close(found.feature, transformer.norm(attended.mean(1)))
    torch.testing.assert_close(found.attention[0], attention_rows(query, key))


def test_every_sensor_hears_every_other(transformer):
    for listener in range(3):
        for speaker in {0, 1, 2} - {listener}:
            other = tokens()
            other[speaker] = tokens(1)[speaker]
            before, after = (
                transformer(each, presence()).attention[listener] for each in (tokens(), other)
            )
            assert not torch.allclose(before, after)

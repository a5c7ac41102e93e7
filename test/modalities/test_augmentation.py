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

"""Augmentation changes windows in the ways it says and in no other."""

from dataclasses import replace

import pytest
import torch

from xmodal_ros.modalities.audio.augmentation import AudioAugmentation
from xmodal_ros.modalities.camera.augmentation import CameraAugmentation
from xmodal_ros.modalities.imu import augmentation as imu_augmentation
from xmodal_ros.modalities.imu.augmentation import ImuAugmentation

STILL = ImuAugmentation(rotation_deg=0, scale=0, warp=0, noise=0, drop=0)
FROZEN = CameraAugmentation(shift=0, contrast=0)
# Noise 200 dB below the sound is none.
UNHEARD = AudioAugmentation(
    shift=0,
    quietest_noise_db=-200,
    loudest_noise_db=-200,
    band=0,
    cover=0,
    gain_db=0,
)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def imu_windows() -> torch.Tensor:
    return torch.randn(8, 100, 6, generator=generator(9))


def plainly_varied(options: ImuAugmentation, windows: torch.Tensor) -> torch.Tensor:
    """Vary IMU windows (B, steps, 3 k) as the words say, in as many sums as that takes."""
    draw, (batch, steps, channels) = generator(), windows.shape
    factor = torch.exp(options.warp * torch.randn((batch, 1), generator=draw))
    centre = (steps - 1) / 2
    position = ((torch.arange(steps) - centre) * factor + centre).clamp(0, steps - 1)
    low = position.floor().clamp(max=steps - 2)
    at = low.long()[:, :, None].expand(-1, -1, channels)
    before, after = windows.gather(1, at), windows.gather(1, at + 1)
    warped = before + (position - low)[:, :, None] * (after - before)
    turn = imu_augmentation._rotations(batch, options.rotation_deg, draw)
    triples = torch.einsum('bij,btkj->btki', turn, warped.unflatten(-1, (-1, 3)))
    shape = (batch, 1, channels // 3, 1)
    triples = triples * (1 + options.scale * torch.randn(shape, generator=draw))
    kept = torch.rand(shape, generator=draw) >= options.drop
    triples = triples * kept if channels > 3 else triples
    spread = triples.std(dim=1, keepdim=True)
    noise = options.noise * spread * torch.randn(triples.shape, generator=draw)
    return (triples + noise).flatten(2)


@pytest.mark.parametrize('drop', [0.0, 0.5])
@pytest.mark.parametrize('channels', [3, 6])
def test_an_imu_is_varied_to_the_bits_of_the_plain_formulas(drop: float, channels: int) -> None:
    options, windows = ImuAugmentation(drop=drop), imu_windows()[..., :channels].contiguous()
    before, draw = windows.clone(), generator()
    varied = options(windows, draw)
    assert torch.equal(varied, plainly_varied(options, windows))
    assert torch.equal(windows, before)


def camera_windows() -> torch.Tensor:
    return torch.randint(0, 255, (4, 6, 20, 30, 2), generator=generator(9), dtype=torch.uint8)


def sounds() -> torch.Tensor:
    return (0.1 * torch.randn(16, 8000, generator=generator(9))).half()


def test_nothing_changes_where_nothing_is_asked_for():
    windows = imu_windows()
    torch.testing.assert_close(STILL(windows, generator()), windows)
    images = camera_windows()
    torch.testing.assert_close(FROZEN(images, generator()), images.float())
    torch.testing.assert_close(UNHEARD(sounds(), generator()), sounds().float())


@pytest.mark.parametrize(
    ('augmentation', 'windows'),
    [
        (ImuAugmentation(), imu_windows()),
        (CameraAugmentation(), camera_windows()),
        (AudioAugmentation(), sounds()),
    ],
)
def test_the_generator_decides_and_the_input_stays(augmentation, windows):
    before = windows.clone()
    once, again = augmentation(windows, generator(1)), augmentation(windows, generator(1))
    other = augmentation(windows, generator(2))
    assert torch.equal(once, again)
    assert not torch.equal(once, other)
    assert once.shape == windows.shape
    assert once.dtype == torch.float32
    assert torch.equal(windows, before)


def test_a_turn_keeps_lengths_and_turns_accelerometer_and_gyro_alike():
    windows = imu_windows()
    windows[..., 3:] = 2 * windows[..., :3]
    turned = replace(STILL, rotation_deg=40)(windows, generator())
    norms = turned[..., :3].norm(dim=-1)
    torch.testing.assert_close(norms, windows[..., :3].norm(dim=-1), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(turned[..., 3:], 2 * turned[..., :3], rtol=1e-4, atol=1e-5)
    assert (turned - windows).abs().max() > 0.1


def test_a_turn_is_a_rotation_and_no_mirror():
    axes = torch.eye(3).repeat(16, 1, 1)
    turned = replace(STILL, rotation_deg=90)(axes, generator())
    torch.testing.assert_close(torch.linalg.det(turned), torch.ones(16))


def test_scaling_keeps_the_direction_of_each_triple():
    windows = imu_windows()
    scaled = replace(STILL, scale=0.3)(windows, generator())
    ratio = scaled / windows
    torch.testing.assert_close(ratio[..., :3].std(dim=(1, 2)), torch.zeros(8), atol=1e-4, rtol=0)
    assert ratio[:, 0, 0].std() > 0.05


def test_warping_plays_a_ramp_faster_or_slower_about_its_centre():
    ramp = torch.arange(101.0).reshape(1, 101, 1).repeat(32, 1, 3)
    warped = replace(STILL, warp=0.2)(ramp, generator())[..., 0]
    torch.testing.assert_close(warped[:, 50], torch.full((32,), 50.0), atol=1e-3, rtol=0)
    tempo = warped[:, 60] - warped[:, 50]
    assert tempo.min() < 9.5
    assert tempo.max() > 10.5
    assert warped.min() >= 0
    assert warped.max() <= 100


def test_noise_is_relative_to_each_channels_spread():
    windows = torch.stack([torch.zeros(500), torch.randn(500), 10 * torch.randn(500)], -1)[None]
    noise = replace(STILL, noise=0.1)(windows, generator()) - windows
    spread = noise.std(dim=1)[0]
    assert spread[0] == 0
    assert spread[1] == pytest.approx(0.1, rel=0.2)
    assert spread[2] == pytest.approx(1.0, rel=0.2)


def test_a_silenced_sensor_is_silent_as_a_whole_and_a_lone_one_stays():
    windows = imu_windows() + 10
    dropped = replace(STILL, drop=0.5)(windows, generator())
    silent = (dropped.unflatten(-1, (2, 3)) == 0).float().mean(dim=(1, 3))
    assert set(silent.flatten().tolist()) == {0.0, 1.0}
    accelerometer = windows[..., :3]
    assert torch.equal(replace(STILL, drop=1.0)(accelerometer, generator()), accelerometer)


def test_pictures_move_as_a_whole_by_whole_pixels():
    images = camera_windows()
    moved = CameraAugmentation(shift=0.2, contrast=0)(images, generator(3))
    for before, after in zip(images.float(), moved, strict=True):
        inside = after[:, 5:-5, 8:-8]
        matches = [
            torch.equal(inside, before[:, 5 + dy : 15 + dy, 8 + dx : 22 + dx])
            for dy in range(-4, 5)
            for dx in range(-6, 7)
        ]
        assert sum(matches) == 1


def test_contrast_is_one_factor_a_window():
    images = camera_windows().clamp(min=1)
    ratio = CameraAugmentation(shift=0, contrast=0.2)(images, generator()) / images
    torch.testing.assert_close(ratio.flatten(1).std(dim=1), torch.zeros(4), atol=1e-4, rtol=0)


def test_sound_is_moved_around_as_a_whole():
    moved = replace(UNHEARD, shift=0.1)(sounds(), generator())
    moves = []
    for before, after in zip(sounds().float(), moved, strict=True):
        found = [m for m in range(-800, 801) if torch.allclose(before.roll(m), after, atol=1e-4)]
        assert len(found) == 1
        moves += found
    assert min(moves) < -300
    assert max(moves) > 300


def test_noise_is_as_loud_as_it_says_relative_to_the_sound():
    noisy = replace(UNHEARD, quietest_noise_db=-20, loudest_noise_db=-20)(sounds(), generator())
    sound, noise = (torch.fft.rfft(x).norm(dim=1) for x in (sounds().float(), noisy - sounds()))
    torch.testing.assert_close(noise / sound, torch.full((16,), 0.1), rtol=1e-2, atol=0)


def test_silence_stays_silent():
    assert not AudioAugmentation()(torch.zeros(2, 8000), generator()).any()


def test_one_band_of_at_most_its_share_of_six_octaves_is_taken_out():
    filtered = replace(UNHEARD, band=0.5)(sounds(), generator())
    kept = torch.fft.rfft(filtered).abs() > 1e-3 * torch.fft.rfft(sounds().float()).abs()
    shares = []
    for row in kept:
        (out,) = torch.nonzero(~row, as_tuple=True)
        assert (out.diff() == 1).all()
        if len(out):
            shares.append(float(torch.log2((out[-1] + 1) / out[0].clamp_min(1))) / 6)
    assert 0.3 < max(shares) < 0.52
    assert min(out.min() for out in map(torch.nonzero, ~kept) if len(out)) > 60


def test_one_stretch_of_at_most_its_share_is_covered_by_noise_of_the_same_spectrum():
    low = torch.randn(16, 8019, generator=generator(9)).unfold(1, 20, 1).mean(dim=2)
    covered = replace(UNHEARD, cover=0.4)(low, generator())
    shares = []
    for before, after in zip(low, covered, strict=True):
        (out,) = torch.nonzero((before - after).abs() > 1e-4, as_tuple=True)
        shares.append(len(out) / 8000)
        if len(out) < 800:
            continue
        # Only a lucky sample of the noise equals the sound's.
        assert out[-1] - out[0] < 1.01 * len(out)
        inside = after[out[0] : out[-1] + 1]
        for statistic in (lambda sound: sound.square(), lambda sound: sound.diff().square()):
            ratio = statistic(inside).mean() / statistic(before).mean()
            assert ratio == pytest.approx(1, rel=0.5)
    assert 0.3 < max(shares) <= 0.4
    assert min(shares) < 0.1


def test_gain_is_one_factor_a_window_and_as_spread_as_it_says():
    many = sounds().repeat(20, 1)[:, :500]
    ratio = replace(UNHEARD, gain_db=6)(many, generator()) / many.float()
    decibel = 20 * ratio.nanmedian(dim=1).values.log10()
    assert decibel.std() == pytest.approx(6, rel=0.15)

"""Training an identity network: the same twice, and broken off or not."""

import sys
from pathlib import Path

import pytest

np = pytest.importorskip("numpy")
torch = pytest.importorskip("torch")

sys.path.insert(0, str(Path(__file__).parents[1]))

from essence_studio.identity import train  # noqa: E402
from essence_studio.identity.samples import Samples  # noqa: E402

SIZE = 32


def samples() -> Samples:
    random = np.random.default_rng(1)
    coefficients = random.uniform(0, 1, (40, 3)).astype(np.float32)
    y, x = np.mgrid[0:SIZE, 0:SIZE]
    mouth = np.abs(y - 16)[None] < 2 + 8 * coefficients[:, :1, None] * np.ones((1, 1, SIZE))
    patches = np.where(mouth[:, None], 60, 190).astype(np.uint8).repeat(3, 1)
    return Samples(coefficients, np.zeros((40, 1), np.float32), patches, np.ones((SIZE, SIZE), np.float32), np.ones((SIZE, SIZE), np.float32))


def weights(net) -> dict:
    return {key: value.clone() for key, value in net.state_dict().items()}


def test_broken_off_or_not_the_network_is_the_same(tmp_path):
    straight = weights(train.train(samples(), tmp_path / "a.pt", 270))

    def stop(step: int, _: float) -> None:
        if step == 260:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train.train(samples(), tmp_path / "b.pt", 270, tell=stop)
    assert train.steps_done(tmp_path / "b.pt") == 250
    resumed = weights(train.train(samples(), tmp_path / "b.pt", 270))
    assert all(torch.equal(straight[key], resumed[key]) for key in straight)


def test_it_learns_what_coefficients_do(tmp_path):
    net = train.train(samples(), tmp_path / "a.pt", 260)
    assert train.evaluate(net, samples())["psnr_db"] > 22
    still = samples()
    still.coefficients[:] = 0.5
    blind = train.train(still, tmp_path / "c.pt", 260)
    assert train.evaluate(blind, still)["psnr_db"] < train.evaluate(net, samples())["psnr_db"] - 3


def test_training_goes_where_there_is_a_device(tmp_path, monkeypatch):
    assert train.device_of("cpu").type == "cpu"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert train.device_of().type == "cuda"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert train.device_of().type == "cpu"
    # Everything that a step needs is brought to the device: nothing is left on another one.
    moved = []
    plain = torch.Tensor.to
    monkeypatch.setattr(torch.Tensor, "to", lambda self, *args, **kwargs: (moved.append(args), plain(self, *args, **kwargs))[1])
    train.train(samples(), tmp_path / "a.pt", 1, device="cpu")
    assert sum(torch.device("cpu") in each for each in moved) >= 4


def test_differences_know_their_own_gradient():
    random = torch.Generator().manual_seed(3)
    wanted, weight = (torch.rand(shape, generator=random, dtype=torch.float64) for shape in ((2, 3, 7, 5), (1, 1, 7, 5)))
    made = torch.rand(2, 3, 7, 5, generator=random, dtype=torch.float64, requires_grad=True)
    off = made - wanted
    plain = (off.abs() * weight).mean() + 2 * (off.diff(dim=-1).abs() * weight[..., 1:]).mean() + 2 * (off.diff(dim=-2).abs() * weight[..., 1:, :]).mean()
    (expected,) = torch.autograd.grad(plain, made)
    at_once = train._Differences.apply(made, wanted, weight)
    (given,) = torch.autograd.grad(at_once, made)
    assert torch.allclose(plain, at_once) and torch.allclose(expected, given)

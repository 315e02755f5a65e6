"""A batch that is spread over processes: outputs, gradients and running averages are those of one process.

Two threads stand for the processes: each has a copy of the model and half of the images, and their sums meet.
"""

import copy
import threading

import pytest
import torch
from torch import nn

from icl_models import SimpleResNet, spread_statistics
from icl_models._embedders.batch_norm import BatchNorm
from icl_models._embedders.spread import Spread

HALVES = (slice(0, 2), slice(2, 4))


class Meeting:
    """Sums of what two threads bring, in the order of the calls."""

    def __init__(self):
        self._barrier, self._brought = threading.Barrier(2, timeout=60), {}

    def total(self, rank):
        def total(tensor):
            self._brought[rank] = tensor.clone()
            self._barrier.wait()
            tensor.copy_(self._brought[0] + self._brought[1])
            self._barrier.wait()
            return tensor

        return total

    def run(self, task):
        """What ``task(rank)`` returns in each of two threads."""
        found = {}
        threads = [threading.Thread(target=lambda rank=rank: found.update({rank: task(rank)})) for rank in (0, 1)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return found[0], found[1]


def trained_once(model, images, weights):
    """The gradients of a mean over sequences, and the buffers, after one pass in training."""
    (model(images) * weights).sum(tuple(range(1, weights.ndim))).mean().backward()
    return {name: one.grad for name, one in model.named_parameters()}, dict(model.named_buffers())


def of_two(model, images, weights):
    copies, meeting = [copy.deepcopy(model) for _ in HALVES], Meeting()

    def task(rank):
        spread_statistics(copies[rank], meeting.total(rank), 2)
        return trained_once(copies[rank], images[HALVES[rank]], weights[HALVES[rank]])

    (first, buffers), (second, others) = meeting.run(task)
    for name, buffer in buffers.items():
        assert torch.equal(buffer, others[name]), name
    return {name: (first[name] + second[name]) / 2 for name in first}, buffers


@pytest.fixture(params=[None, 2], ids=["whole batch", "groups"])
def resnet(request):
    torch.manual_seed(0)
    model = SimpleResNet(image_size=(28, 28), emb_dim=16, sequences_per_statistics=request.param).double()
    for module in model.modules():
        if isinstance(module, BatchNorm):
            nn.init.normal_(module.scale, 1.0, 0.1)
    return model.train()


def test_gradients_and_running_averages_are_those_of_one_process(resnet):
    images, weights = torch.rand(4, 3, 28, 28, 1, dtype=torch.float64), torch.randn(4, 3, 16, dtype=torch.float64)
    gradients, buffers = of_two(resnet, images, weights)
    expected, averages = trained_once(resnet, images, weights)
    for name, gradient in expected.items():
        torch.testing.assert_close(gradients[name], gradient, rtol=1e-9, atol=1e-12, msg=name)
    for name, average in averages.items():
        torch.testing.assert_close(buffers[name], average, rtol=1e-9, atol=1e-12, msg=name)


def test_gradients_of_the_images_go_through_the_statistics_of_both():
    norm, meeting = BatchNorm(3).double().train(), Meeting()
    x, weights = torch.randn(2, 4, 3, 2, 2, dtype=torch.float64), torch.randn(2, 4, 3, 2, 2, dtype=torch.float64)
    whole = x.flatten(0, 1).requires_grad_()
    (norm(whole) * weights.flatten(0, 1)).sum().backward()

    def task(rank):
        part, own = x[rank].clone().requires_grad_(), copy.deepcopy(norm)
        own.spread = Spread(meeting.total(rank), 2, whole=True)
        (own(part) * weights[rank]).sum().backward()
        return part.grad

    torch.testing.assert_close(torch.cat(meeting.run(task)), whole.grad, rtol=1e-9, atol=1e-12)


def test_a_mean_far_from_zero_takes_no_digits_of_the_variance():
    meeting, x = Meeting(), torch.randn(2, 8, 3, 4, 4) * 0.01 + 100.0
    expected = x.double().var((0, 1, 3, 4), unbiased=False)
    (_, variance), _ = meeting.run(lambda rank: Spread(meeting.total(rank), 2, whole=True).statistics(x[rank]))
    torch.testing.assert_close(variance.double(), expected, rtol=1e-4, atol=0.0)


def test_a_normalisation_that_knows_one_process_alone_is_refused():
    with pytest.raises(ValueError, match=r"^several processes need layers .* all of them, got 1 \(BatchNorm2d\)$"):
        spread_statistics(nn.Sequential(nn.Flatten(), nn.BatchNorm2d(3)), lambda tensor: tensor, 2)


def test_a_module_with_statistics_of_its_own_is_told():
    class Own(nn.Module):
        def spread_statistics(self, total, size):
            self.told = (total, size)

    own, total = Own(), lambda tensor: tensor
    spread_statistics(nn.Sequential(own), total, 3)
    assert own.told == (total, 3)

"""The U-Nets of the tests and of the benchmark's table: 12, 24 and 48 channels, zero padding, batch norm."""

import torch
from torch import nn

F = nn.functional


class Block(nn.Sequential):
    def __init__(self, a, b, norm=nn.BatchNorm2d):
        super().__init__(
            *(nn.Conv2d(a, b, 3, padding=1), norm(b), nn.ReLU()), *(nn.Conv2d(b, b, 3, padding=1), norm(b), nn.ReLU())
        )


class UNet(nn.Module):
    """`drop`: a module in the middle."""

    def __init__(self, channels=1, widths=(12, 24, 48), *, norm=nn.BatchNorm2d, drop=None):
        super().__init__()
        a, b, c = widths
        self.down1, self.down2, self.bottom = Block(channels, a, norm), Block(a, b, norm), Block(b, c, norm)
        self.drop = nn.Identity() if drop is None else drop
        self.up2, self.join2 = nn.ConvTranspose2d(c, b, 2, stride=2), Block(2 * b, b, norm)
        self.up1, self.join1 = nn.ConvTranspose2d(b, a, 2, stride=2), Block(2 * a, a, norm)
        self.last = nn.Conv2d(a, 1, 1)

    def forward(self, x):
        p = self.down1(x)
        q = self.down2(F.max_pool2d(p, 2))
        r = self.drop(self.bottom(F.max_pool2d(q, 2)))
        q = self.join2(torch.cat([q, self.up2(r)], 1))
        return self.last(self.join1(torch.cat([p, self.up1(q)], 1)))


def seeded(make, seed=0):
    """A module with the same weights in every run, in evaluation, whose batch norms do something."""
    torch.manual_seed(seed)
    net = make().eval()
    for part in net.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.running_mean.uniform_(-0.2, 0.2)
            part.running_var.uniform_(0.5, 2)
    return net


def of_integers(net, seed=0):
    """The net in float64 with small whole weights: sums are then exact, in whatever order they are taken."""
    random = torch.Generator().manual_seed(seed)
    net = net.double()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.copy_(torch.randint(-2, 3, parameter.shape, generator=random))
    return net

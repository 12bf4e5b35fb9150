"""The scores of a network on examples, batch by batch, over all processes."""

from typing import TYPE_CHECKING, Any

import torch

from .equipment import shape_errors
from .feeding import Feed
from .tasks import Task

if TYPE_CHECKING:
    from lightning_fabric import Fabric


def score(net: Any, task: Task, feed: Feed, fabric: "Fabric") -> dict[str, float]:
    """Mean loss and the task's scores; the network is left in evaluation mode."""
    measure = task.metrics().to(fabric.device)
    net.eval()
    total = torch.zeros(2, dtype=torch.float64)
    # no_grad, not inference_mode: buffers that a network fills here must be free for training again
    with torch.no_grad():
        for batch in feed.scoring():
            with shape_errors(batch.x):
                output = net(batch.x)
                loss = task.loss(output, batch.y)
            measure.update(output, batch.y)
            total += torch.tensor([float(loss) * len(batch.x), len(batch.x)], dtype=torch.float64)
    if fabric.world_size > 1:
        total = fabric.all_reduce(total, reduce_op="sum")
    return {"loss": float(total[0] / total[1]), **task.summary(measure.compute())}

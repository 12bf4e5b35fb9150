"""The scores of a network on examples, batch by batch, over all processes."""

from typing import TYPE_CHECKING, Any

import torch

from .equipment import shape_errors
from .feeding import Feed
from .processes import whole_batch
from .tasks import Task

if TYPE_CHECKING:
    from lightning_fabric import Fabric


def score(net: Any, task: Task, feed: Feed, fabric: "Fabric") -> dict[str, float]:
    """Mean loss and the task's scores; the network is left in evaluation mode.

    Batches of the loss count by their weight (places with a label, for one), or by their examples where it names none.
    """
    measure = task.metrics().to(fabric.device)
    net.eval()
    # of losses that are the whole batch's in each process, and of those that are each process's own
    whole, own = torch.zeros(2, dtype=torch.float64), torch.zeros(2, dtype=torch.float64)
    # no_grad, not inference_mode: buffers that a network fills here must be free for training again
    with torch.no_grad():
        for batch in feed.scoring():
            with shape_errors(batch.x), whole_batch(counts=batch.counts, world=len(batch.sizes)) as joint:
                output = net(batch.x)
                loss = float(task.loss(output, batch.y))
            if batch.counts:
                measure.update(output, batch.y)
            if joint.weight is not None:
                weight = float(joint.weight)
                whole += torch.tensor([loss * weight, weight], dtype=torch.float64)
            elif batch.counts:
                own += torch.tensor([loss * len(batch.x), len(batch.x)], dtype=torch.float64)
    if fabric.world_size > 1:
        own = fabric.all_reduce(own, reduce_op="sum")
    total = whole + own
    # without a label anywhere the loss is 0, not 0/0
    return {"loss": float(total[0] / total[1].clamp(min=1e-12)), **task.summary(measure.compute())}

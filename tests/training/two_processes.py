"""Run by torchrun: trains, and the first process writes the weights. `two_processes.py TARGET`."""

import sys

import torch

if __name__ == "__main__":
    import warnings
    from pathlib import Path

    warnings.simplefilter("ignore")
    sys.path.insert(0, str(Path(__file__).parent.parent))
    import faltung as ft
    from training.small import split_cases

    torch.set_num_threads(1)
    for name, (net, examples, config, task) in split_cases().items():
        ft.training.train(net, examples, config=config, task=task, folder=Path(sys.argv[1]) / name)
    sys.stdout.write(f"{torch.distributed.get_world_size()}\n")
    torch.distributed.destroy_process_group()

"""Run by torchrun: trains, and the first process writes the weights. `two_processes.py TARGET`."""

import sys

import torch

if __name__ == "__main__":
    import warnings
    from pathlib import Path

    warnings.simplefilter("ignore")
    sys.path.insert(0, str(Path(__file__).parent.parent))
    import faltung as ft
    from training.small import lines, plain, split_config

    torch.set_num_threads(1)
    folder = Path(sys.argv[1])
    run = ft.training.train(plain(), lines(61), config=split_config(), folder=folder)
    sys.stdout.write(f"{torch.distributed.get_world_size()}\n")
    torch.distributed.destroy_process_group()

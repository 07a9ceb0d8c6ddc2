"""Runs a command on a SLURM cluster through submitit (extra `slurm`), one task a GPU, and waits for it.

python scripts/submit.py --nodes 2 --gpus 8 -- COMMAND

Lightning finds rank and world in SLURM's environment; give the command the same pretrain.num_nodes and pretrain.devices.
"""

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path


def parse(words: list[str]) -> Namespace:
    """What was asked for; the command stands after `--`."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument(
        "--cluster", default="slurm", choices=("slurm", "local"), help="local: on this machine, to try it"
    )
    parser.add_argument("--nodes", type=int, default=1, metavar="N")
    parser.add_argument(
        "--gpus", type=int, default=1, metavar="N", help="of each node; 0: one task a node, on its CPUs"
    )
    parser.add_argument("--cpus", type=int, default=8, metavar="N", help="of each task")
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--partition", metavar="NAME")
    parser.add_argument("--logs", type=Path, default=Path("outputs/slurm"), metavar="DIR")
    parser.add_argument("command", nargs="+")
    return parser.parse_args(words)


def submit(asked: Namespace) -> list[str]:
    """What each task printed last; raises submitit's FailedJobError where one ended otherwise than with 0."""
    import submitit

    executor = submitit.AutoExecutor(folder=asked.logs, cluster=asked.cluster)
    executor.update_parameters(
        name="autovoice",
        nodes=asked.nodes,
        tasks_per_node=max(asked.gpus, 1),
        gpus_per_node=asked.gpus,
        cpus_per_task=asked.cpus,
        timeout_min=round(asked.hours * 60),
    )
    if asked.partition:
        executor.update_parameters(slurm_partition=asked.partition)
    job = executor.submit(submitit.helpers.CommandFunction(asked.command, verbose=False))
    print(f"job {job.job_id}: logs in {asked.logs}", file=sys.stderr)
    return job.results()


if __name__ == "__main__":
    for printed in submit(parse(sys.argv[1:])):
        print(printed.rstrip())

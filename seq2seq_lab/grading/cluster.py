"""Work spread over a Dask cluster that there is already."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import dask
import distributed

from seq2seq_lab.grading.processes import Job, Outcome

AHEAD = 2  # jobs for each Dask worker that have been sent and are not done yet
QUIET = {
    "logging.distributed": "critical",  # a Dask worker that died is replaced
    "distributed.scheduler.work-stealing": False,
}


def on_a_cluster(
    address: str, function: Callable, jobs: Iterator[Job], at_once: int | None = None
) -> Iterator[Outcome]:
    """Do jobs, a Dask task each, and give each outcome as it comes.

    Args:
        address: of the cluster's scheduler.
        function: called in one of the workers with the arguments of a job.
        jobs: read a few at a time.
        at_once: how many are sent at a time; None is a few for each worker.

    Raises:
        ValueError: no scheduler answers at this address.
    """
    with dask.config.set(QUIET):
        try:
            client = distributed.Client(address)
        except OSError as error:
            rule = "scheduler must be the address of a Dask scheduler that answers"
            raise ValueError(f"{rule}, but {address} does not") from error
        with client:

            def some(n: int) -> list:
                return [
                    client.submit(function, *job.args, pure=False, key=job.name)
                    for job in itertools.islice(jobs, n)
                ]

            workers = len(client.scheduler_info(n_workers=-1)["workers"]) or 1
            at_work = distributed.as_completed(some(at_once or AHEAD * workers))
            for future in at_work:
                yield future.key, future.exception() or future.result()
                at_work.update(some(1))

"""Job classes and their results: a number, a table, a failure. Run it: `python -m queuemgr.examples.result_job`."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

from queuemgr.jobs.base import QueueJobBase
from queuemgr.proc_api import proc_queue_system


class SumJob(QueueJobBase):
    """Adds up the numbers it was given."""

    def execute(self) -> None:
        self.set_result({"sum": sum(self.params["numbers"])})


class TableJob(QueueJobBase):
    """Counts upwards, says how far it is, and keeps what it has if it is stopped."""

    def execute(self) -> None:
        rows: list[dict[str, int]] = []
        wanted = self.params.get("rows", 10)
        for number in range(wanted):
            if self.stopping:
                return
            rows.append({"number": number, "square": number * number})
            self.set_result({"rows": rows})
            self.set_progress(100 * len(rows) / wanted, f"{len(rows)} of {wanted} rows")
            time.sleep(self.params.get("pause", 0.0))

    def on_stop(self) -> None:
        print("stopped; what was counted so far is the result")


class ComplainingJob(QueueJobBase):
    """Ends as ERROR and says why; what it had to show by then is kept."""

    def execute(self) -> None:
        self.set_result({"checked": 3})
        raise ValueError("the fourth invoice has no number")

    def on_error(self, exc: BaseException) -> None:
        print(f"sorry: {exc}")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        with proc_queue_system(registry_path=str(place / "registry.jsonl"), proc_dir=str(place / "run")) as queue:
            queue.add_job(SumJob, "sum", {"numbers": [1, 2, 3]})
            queue.add_job(TableJob, "table", {"rows": 5})
            queue.add_job(ComplainingJob, "complaint", {})
            for job_id in ("sum", "table", "complaint"):
                queue.start_job(job_id)
                show(queue.wait_for_job(job_id, timeout=30))


def show(status: dict[str, Any]) -> None:
    print(f"{status['job_id']}: {status['status']}, {status['description']!r}, result {status['result']}")


if __name__ == "__main__":
    main()

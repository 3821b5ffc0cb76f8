"""A result of many records, read whole, by its size, and by pages.

Run it: `python -m queuemgr.examples.large_result_job [MEGABYTES]`.
"""

from __future__ import annotations

import random
import string
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from queuemgr.jobs.base import QueueJobBase
from queuemgr.proc_api import proc_queue_system

RECORD = 170  # bytes that one record takes as JSON, roughly


class LargeResultJob(QueueJobBase):
    """Makes about `size_mb` megabytes of records."""

    def execute(self) -> None:
        count = int(self.params.get("size_mb", 1.0) * 1024 * 1024 / RECORD)
        records: list[dict[str, Any]] = []
        for number in range(count):
            text = "".join(random.choices(string.ascii_uppercase, k=100))
            records.append({"id": number, "value": random.uniform(0, 1000), "text": text})
            if number % 1000 == 0:
                self.set_progress(100 * number / count, f"{number:,} of {count:,} records")
        self.set_result({"data": records, "metadata": {"item_count": count, "generated_at": time.time()}})


def main(megabytes: float = 2.0) -> None:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        with proc_queue_system(registry_path=str(place / "registry.jsonl"), proc_dir=str(place / "run")) as queue:
            queue.add_job(LargeResultJob, "large", {"size_mb": megabytes})
            queue.start_job("large")
            status = queue.wait_for_job("large", timeout=600)
            print(f"{status['status']}: {status['result_size']:,} bytes")

            began = time.perf_counter()
            page = queue.get_job_result_page("large", path="data", offset=1000, limit=3)
            took = 1000 * (time.perf_counter() - began)
            print(f"records 1000 to 1002 in {took:.1f} ms: {[one['id'] for one in page]}")

            began = time.perf_counter()
            result = queue.get_job_status("large")["result"]
            print(f"all {result['metadata']['item_count']:,} records in {time.perf_counter() - began:.2f} s")


if __name__ == "__main__":
    main(*(float(word) for word in sys.argv[1:2]))

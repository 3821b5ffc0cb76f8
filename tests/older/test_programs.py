"""Programs as the older documents write them, each run from a file of its own."""

from __future__ import annotations

import json
from pathlib import Path

from queuemgr.examples import large_result_job, result_job

from .conftest import Script

BIG = """
import json
import random
import time

from queuemgr.jobs.base import QueueJobBase
from queuemgr.proc_api import proc_queue_system


class BigJob(QueueJobBase):
    def __init__(self, job_id: str, params: dict):
        super().__init__(job_id, params)
        self.target_size_mb = params.get("size_mb", 1.0)

    def execute(self) -> None:
        print(f"wanted: {self.target_size_mb} MB")
        data = []
        size = 0
        while size < self.target_size_mb * 1024 * 1024:
            item = {"id": len(data), "value": random.uniform(0, 1000), "text": "".join(random.choices("ABC", k=100))}
            data.append(item)
            size += len(json.dumps(item))
        self.set_result({"data": data, "metadata": {"size_mb": size / (1024 * 1024), "item_count": len(data)}})

    def on_start(self) -> None:
        print("begins")

    def on_end(self) -> None:
        print("is over")

    def on_error(self, exc: BaseException) -> None:
        print(f"went wrong: {exc}")


def done(queue, job_id):
    while (status := queue.get_job_status(job_id))["status"] in ("PENDING", "RUNNING"):
        time.sleep(0.05)
    return status

"""


def test_a_result_of_two_megabytes_is_read_back_whole(script: Script, tmp_path: Path) -> None:
    told = script(
        BIG
        + """
def check_result_size(result):
    size_mb = len(json.dumps(result)) / (1024 * 1024)
    print("large" if size_mb > 10 else "medium" if size_mb > 1 else "small")
    return size_mb


def measure_result_performance():
    began = time.time()
    result = queue.get_job_status("big").get("result")
    took = time.time() - began
    size_mb = len(json.dumps(result)) / (1024 * 1024)
    print(f"speed {size_mb / took > 1}")


def safe_get_large_result(job_id):
    try:
        result = queue.get_job_status(job_id).get("result")
        if not result:
            return None
        if len(json.dumps(result)) / (1024 * 1024) > 50:
            raise ValueError("too large")
        return result
    except MemoryError:
        return None
    except Exception as e:
        print(f"failed: {e}")
        return None


if __name__ == "__main__":
    with proc_queue_system() as queue:
        queue.add_job(BigJob, "big", {"size_mb": 2.0})
        queue.start_job("big")
        status = done(queue, "big")
        result = status.get("result")
        print(status["status"], status["progress"], result["metadata"]["item_count"] == len(result["data"]))
        print(2.0 < check_result_size(result) < 3.0)
        measure_result_performance()
        print(len(safe_get_large_result("big")["data"]) == len(result["data"]))
        print(safe_get_large_result("nobody"))
        print(queue.get_job_logs("big")["stdout"])
        print(queue.get_job_result_page("big", 5, 2, "data") == result["data"][5:7])
    print(queue.is_running())
"""
    )
    assert told == [
        "COMPLETED 100 True",
        "medium",
        "True",
        "speed True",
        "True",
        "failed: no job has the id 'nobody': it was deleted, its lifetime is over, or it lives in another store",
        "None",
        "['begins', 'wanted: 2.0 MB', 'is over']",
        "True",
        "False",
    ]
    assert [json.loads(line)["job_id"] for line in (tmp_path / "queuemgr_registry.jsonl").open()] == ["big"] * 3


def test_a_script_rewrites_the_registry_while_the_service_runs(script: Script) -> None:
    told = script(
        BIG
        + """
def cleanup_old_results(registry_path, max_age_days=30):
    cutoff_time = time.time() - (max_age_days * 24 * 3600)
    with open(registry_path, "r") as f:
        lines = f.readlines()
    kept = []
    for line in lines:
        record = json.loads(line)
        if record.get("updated_at"):
            updated_time = time.mktime(time.strptime(record["updated_at"], "%Y-%m-%dT%H:%M:%S.%f"))
            if updated_time > cutoff_time:
                kept.append(line)
    with open(registry_path, "w") as f:
        f.writelines(kept)


if __name__ == "__main__":
    with proc_queue_system(cleanup_interval=0.2) as queue:
        for job_id in ("old", "new"):
            queue.add_job(BigJob, job_id, {"size_mb": 0.01})
            queue.start_job(job_id)
            print(done(queue, job_id)["status"])
        cleanup_old_results("queuemgr_registry.jsonl")
        lines = open("queuemgr_registry.jsonl").readlines()
        print(len({json.loads(line)["job_id"] for line in lines}))
        aged = [line.replace('"updated_at":"20', '"updated_at":"19') if '"old"' in line else line for line in lines]
        open("queuemgr_registry.jsonl", "w").writelines(aged)
        cleanup_old_results("queuemgr_registry.jsonl")
        print("new" in [job["job_id"] for job in queue.list_jobs()])
        queue.add_job(BigJob, "next", {"size_mb": 0.01})
        queue.start_job("next")
        print(done(queue, "next")["status"])
    print({"new", "next"} <= {json.loads(line)["job_id"] for line in open("queuemgr_registry.jsonl")})
"""
    )
    assert told == ["COMPLETED", "COMPLETED", "2", "True", "COMPLETED", "True"]


def test_compressed_results_and_pages_made_by_the_job_itself_come_back(script: Script) -> None:
    told = script(
        """
import base64
import gzip
import json

from queuemgr.jobs.base import QueueJobBase
from queuemgr.proc_api import proc_queue_system


class CompressedJob(QueueJobBase):
    def execute(self) -> None:
        text = json.dumps([{"n": n} for n in range(1000)])
        packed = base64.b64encode(gzip.compress(text.encode())).decode()
        self.set_result({"compressed_data": packed, "original_size": len(text), "metadata": {"compression": "gzip"}})


class PagesJob(QueueJobBase):
    def execute(self) -> None:
        rows = [{"row": row} for row in range(100_000)]
        self.set_result({"data": rows, "pagination": {"total_pages": 10, "total_records": len(rows)}})


if __name__ == "__main__":
    with proc_queue_system() as queue:
        for kind in (CompressedJob, PagesJob):
            queue.add_job(kind, kind.__name__, {})
            queue.start_job(kind.__name__)
        result = queue.wait_for_job("CompressedJob")["result"]
        print(len(json.loads(gzip.decompress(base64.b64decode(result["compressed_data"])))))
        pages = queue.wait_for_job("PagesJob")["result"]
        print(pages["pagination"]["total_records"], pages["data"][99_999])
"""
    )
    assert told == ["1000", "100000 {'row': 99999}"]


def test_hooks_come_in_the_promised_order_and_errors_reach_on_error(script: Script) -> None:
    told = script(
        """
from queuemgr.core.ipc import update_job_state
from queuemgr.jobs.base import QueueJobBase
from queuemgr.simple_api import queue_system


class MyJob(QueueJobBase):
    def __init__(self, job_id: str, params: dict):
        super().__init__(job_id, params)

    def execute(self) -> None:
        print("execute")
        update_job_state(self._shared_state, progress=40, description="nearly")
        match self.params.get("raises"):
            case "key":
                raise KeyError("k")
            case "exit":
                raise SystemExit(3)
            case "forever":
                import time

                print("waits", flush=True)
                time.sleep(60)

    def on_start(self) -> None:
        print("on_start")

    def on_stop(self) -> None:
        print("on_stop")

    def on_end(self) -> None:
        print("on_end")
        if self.params.get("raises") == "end":
            raise RuntimeError("late")

    def on_error(self, exc: Exception) -> None:
        print(f"on_error {type(exc).__name__}")


if __name__ == "__main__":
    with queue_system(stop_notice=0.1) as queue:
        for raises in ("", "key", "exit", "end", "forever"):
            queue.add_job(MyJob, raises or "fine", {"raises": raises})
            queue.start_job(raises or "fine")
            if raises == "forever":
                while "waits" not in queue.get_job_logs("forever")["stdout"]:
                    pass
                queue.stop_job("forever")
            status = queue.wait_for_job(raises or "fine")
            print(status["status"], status["progress"], queue.get_job_logs(raises or "fine")["stdout"])
        print(sorted(job["status"] for job in queue.list_jobs()))
"""
    )
    assert told == [
        "COMPLETED 100 ['on_start', 'execute', 'on_end']",
        "ERROR 40 ['on_start', 'execute', 'on_error KeyError']",
        "ERROR 40 ['on_start', 'execute', 'on_error SystemExit']",
        "ERROR 40 ['on_start', 'execute', 'on_end', 'on_error RuntimeError']",
        "STOPPED 40 ['on_start', 'execute', 'waits', 'on_stop']",
        "['COMPLETED', 'ERROR', 'ERROR', 'ERROR', 'STOPPED']",
    ]


def test_the_functions_of_a_module_work_on_one_system(script: Script) -> None:
    told = script(
        """
from queuemgr import JobAlreadyExistsError, JobNotFoundError, ProcessControlError, proc_api, simple_api
from queuemgr.examples.result_job import SumJob

if __name__ == "__main__":
    for api, start, stop in (
        (simple_api, simple_api.start_queue_system, simple_api.stop_queue_system),
        (proc_api, proc_api.start_proc_queue_system, proc_api.stop_proc_queue_system),
    ):
        system = start(registry_path=f"{api.__name__}.jsonl")
        api.add_job(SumJob, "sum", {"numbers": [1, 2]})
        api.start_job("sum")
        print(system.wait_for_job("sum")["result"], api.get_job_status("sum")["result"])
        api.delete_job("sum")
        print([job["status"] for job in api.list_jobs("deleted")])
        for wrong, kind in ((lambda: api.add_job(SumJob, "sum", {}), JobAlreadyExistsError),
                            (lambda: api.stop_job("nobody"), JobNotFoundError)):
            try:
                wrong()
            except ProcessControlError as error:
                print(type(error) is kind)
        api.purge_job("sum")
        print(api.list_jobs())
        stop()
"""
    )
    assert told == ["{'sum': 3} {'sum': 3}", "['DELETED']", "True", "True", "[]"] * 2


def test_the_asynchronous_systems_run_jobs(script: Script) -> None:
    told = script(
        """
import asyncio

from queuemgr import async_queue_system_context, get_global_async_queue, shutdown_global_async_queue
from queuemgr.async_process_manager import AsyncProcessManager, async_queue_system
from queuemgr.examples.result_job import SumJob, TableJob


async def use(queue):
    await queue.add_job(SumJob, "sum", {"numbers": [1, 2, 3]})
    await queue.start_job_background("sum")
    print((await queue.wait_for_job("sum"))["result"])


async def main():
    async with async_queue_system_context("a.jsonl") as queue:
        await use(queue)
        await queue.add_job(TableJob, "table", {"rows": 9, "pause": 60})
        await queue.start_job("table")
        while (await queue.get_job_status("table"))["progress"] == 0:
            pass
        await queue.suspend_job("table")
        print((await queue.get_job_status("table")).get("suspended"))
        await queue.delete_job("table", force=True)
        print([(job["job_id"], job["status"]) for job in await queue.list_jobs()])
    async with async_queue_system("b.jsonl") as queue:
        await use(queue)
    manager = AsyncProcessManager()
    await manager.start()
    await use(manager)
    await manager.stop()
    queue = await get_global_async_queue("c.jsonl")
    print(queue is await get_global_async_queue())
    await use(queue)
    await shutdown_global_async_queue()
    print(queue.is_running())


if __name__ == "__main__":
    asyncio.run(main())
"""
    )
    sums = "{'sum': 6}"
    assert told == [sums, "True", "[('table', 'DELETED'), ('sum', 'COMPLETED')]", sums, sums, "True", sums, "False"]


def test_a_program_without_a_guard_is_told_so_and_starts_no_chain_of_services(script: Script) -> None:
    told = script(
        """
from queuemgr.jobs.base import QueueJobBase
from queuemgr.proc_api import proc_queue_system


class Plain(QueueJobBase):
    def execute(self) -> None:
        pass


with proc_queue_system() as queue:
    queue.add_job(Plain, "a", {})
    queue.start_job("a")
    status = queue.wait_for_job("a", timeout=60)
    print(status["status"], status["description"])
"""
    )
    assert told[0].startswith("ERROR the file of program.Plain starts a queue system when it is imported")


def test_managers_are_set_up_by_one_object(script: Script) -> None:
    told = script(
        """
from queuemgr.examples.result_job import SumJob
from queuemgr.proc_manager import ProcManager, ProcManagerConfig
from queuemgr.process_manager import ProcessManager, ProcessManagerConfig, ProcessManagerContext


def use(queue):
    queue.add_job(SumJob, "sum", {"numbers": [4]})
    queue.start_job("sum")
    print(queue.wait_for_job("sum")["result"])


if __name__ == "__main__":
    with ProcessManagerContext(ProcessManagerConfig(registry_path="a.jsonl")) as queue:
        use(queue)
    manager = ProcessManager()
    manager.start()
    use(manager)
    manager.stop(timeout=5)
    manager = ProcManager(ProcManagerConfig(max_concurrent_jobs=2))
    manager.start(registry_path="b.jsonl", proc_dir="run")
    use(manager)
    manager.stop()
    print(manager.is_running())
"""
    )
    assert told == ["{'sum': 4}"] * 3 + ["False"]


def test_managers_take_every_setting_that_they_always_took(script: Script) -> None:
    told = script(
        """
import asyncio
from dataclasses import fields

from queuemgr import AsyncProcessManager, ProcessControlError
from queuemgr.examples.result_job import SumJob
from queuemgr.proc_manager import ProcManager, ProcManagerConfig
from queuemgr.process_manager import ProcessManager, ProcessManagerConfig

KEPT = {"max_queue_size": 2, "per_job_type_limits": {"SumJob": 2}, "terminal_job_retention_seconds": 60.0,
        "max_retained_terminal_jobs": 5, "pending_job_retention_seconds": 60.0, "command_timeout": 20.0}


def fill(queue):
    for job_id in "abc":
        try:
            queue.add_job(SumJob, job_id, {"numbers": [4]})
        except ProcessControlError as error:
            print(job_id, "max_queue_size" in str(error), queue.command_timeout)


async def ask():
    manager = AsyncProcessManager(ProcessManagerConfig(registry_path="c.jsonl", **KEPT))
    await manager.start()
    await manager.add_job(SumJob, "a", {"numbers": [1]}, timeout=5)
    print((await manager.get_job_status("a", timeout=5))["status"], len(await manager.list_jobs("pending", 5)))
    print(await manager.get_job_logs("a", timeout=5))
    await manager.delete_job("a", False, 5)
    await manager.purge_job("a", timeout=5)
    await manager.stop(timeout=5)


if __name__ == "__main__":
    config = ProcessManagerConfig("a.jsonl", 20.0, 30.0, 20.0, 1.0, 3, 2)
    config.per_job_type_limits = {"SumJob": 5}
    print([field.name for field in fields(config)][:7])
    with ProcessManager(config) as queue:
        fill(queue)
    with ProcManager(ProcManagerConfig("b.jsonl", "run", **KEPT)) as queue:
        fill(queue)
    asyncio.run(ask())
"""
    )
    first = ["registry_path", "shutdown_timeout", "cleanup_interval", "command_timeout", "stop_job_wait_timeout"]
    assert told == [
        str([*first, "max_concurrent_jobs", "max_queue_size"]),
        *["c True 20.0"] * 2,
        "PENDING 1",
        "{'stdout': [], 'stderr': [], 'log': []}",
    ]


def test_a_service_that_does_not_come_up_in_time_is_ended(script: Script) -> None:
    told = script(
        """
import os
import tempfile

from queuemgr import ProcessManager, TimeoutError
from queuemgr.process_manager import ProcessManagerConfig

if __name__ == "__main__":
    manager = ProcessManager(ProcessManagerConfig(startup_timeout=0.001))
    try:
        manager.start()
    except TimeoutError as error:
        print(error.timeout_seconds, manager.is_running())
    print([name for name in os.listdir(tempfile.gettempdir()) if name.startswith("queuemgr-")])
"""
    )
    assert told == ["0.001 False", "[]"]


def test_a_forked_copy_of_a_program_leaves_the_service_alone(script: Script) -> None:
    told = script(
        """
import os
import sys

from queuemgr import QueueSystem
from queuemgr.examples.result_job import SumJob
from queuemgr.service.host.calling import Caller

if __name__ == "__main__":
    with QueueSystem("list.jsonl") as queue:
        pid = os.fork()
        if pid == 0:
            sys.exit(0)  # through the end of the with block, and what was left to be done at the end
        os.waitpid(pid, 0)
        print(queue.is_running(), Caller(queue.socket).call("service.status")["status"])
        queue.add_job(SumJob, "sum", {"numbers": [4]})
        queue.start_job("sum")
        print(queue.wait_for_job("sum")["status"])
"""
    )
    assert told == ["True running", "COMPLETED"]


def test_the_one_asynchronous_system_goes_on_in_the_next_event_loop(script: Script) -> None:
    told = script(
        """
import asyncio

from queuemgr import get_global_async_queue, shutdown_global_async_queue
from queuemgr.examples.result_job import SumJob


async def use(job_id):
    queue = await get_global_async_queue("list.jsonl")
    await queue.add_job(SumJob, job_id, {"numbers": [4]})
    await queue.start_job(job_id)
    print((await asyncio.wait_for(queue.wait_for_job(job_id), 20))["status"])


if __name__ == "__main__":
    asyncio.run(use("a"))
    asyncio.run(use("b"))
    asyncio.run(shutdown_global_async_queue())
"""
    )
    assert told == ["COMPLETED"] * 2


def test_a_class_that_no_process_could_find_is_refused_at_once(script: Script) -> None:
    told = script(
        """
from queuemgr.errors import ValidationError
from queuemgr.jobs.base import QueueJobBase
from queuemgr.jobs.naming import name_for_others


class Outer:
    class Inner(QueueJobBase):
        def execute(self) -> None: ...


def made():
    class Local(QueueJobBase):
        def execute(self) -> None: ...

    return Local


if __name__ == "__main__":
    for wrong in (Outer.Inner, made()):
        try:
            name_for_others(wrong)
        except ValidationError as error:
            print("is defined inside a function or a class" in str(error))
"""
    )
    assert told == ["True", "True"]


def test_a_job_queue_gives_records(script: Script) -> None:
    told = script(
        """
from queuemgr import JobQueue
from queuemgr.core.registry import JsonlRegistry
from queuemgr.core.types import JobStatus
from queuemgr.examples.result_job import SumJob

if __name__ == "__main__":
    queue = JobQueue(JsonlRegistry("list.jsonl"))
    print(queue.add_job(SumJob("a", {"numbers": [1]})), queue.add_job(SumJob, "b", {"numbers": [2]}))
    for wrong in (lambda: queue.add_job(int, "x"), lambda: queue.add_job(SumJob)):
        try:
            wrong()
        except (TypeError, ValueError) as error:
            print(type(error).__name__)
    queue.start_job("a")
    queue._system.wait_for_job("a")
    record = queue.get_job_status("a")
    print(record.status is JobStatus.COMPLETED, record.result, record.created_at <= record.updated_at)
    print(queue.get_job_count(), queue.get_running_jobs(), queue.get_job_type_name("b"))
    print(queue.get_job_by_id("nobody"), queue.get_job_type_name("nobody"), queue.get_job_by_id("b").status.name)
    print(queue.list_job_statuses() == {"a": JobStatus.COMPLETED, "b": JobStatus.PENDING})
    print(queue.cleanup_completed_jobs(), {job_id: job.status.name for job_id, job in queue.get_jobs().items()})
    queue.shutdown()
"""
    )
    assert told == [
        *("a b", "TypeError", "ValueError", "True {'sum': 1} True", "2 {} SumJob", "None None PENDING", "True"),
        "1 {'b': 'PENDING'}",
    ]


def test_a_job_queue_that_nobody_shuts_down_leaves_nothing(script: Script, tmp_path: Path) -> None:
    told = script(
        """
from queuemgr import JobQueue
from queuemgr.examples.result_job import SumJob

if __name__ == "__main__":
    queue = JobQueue()
    queue.add_job(SumJob, "a", {"numbers": [1]})
    print(list(queue.get_jobs()))
"""
    )
    assert told == ["['a']"]
    assert list(tmp_path.glob("queuemgr-*")) == []


def test_a_queue_in_threads_says_how_its_jobs_ended(script: Script) -> None:
    told = script(
        """
import asyncio

from queuemgr import ProcessControlError, async_simple_queue_context
from queuemgr.jobs.base import QueueJobBase


class Quick(QueueJobBase):
    def execute(self) -> None:
        if self.params.get("fails"):
            raise ValueError("no")


async def main():
    async with async_simple_queue_context(max_concurrent_jobs=1) as queue:
        await queue.add_job(Quick, "a", {})
        await queue.add_job(Quick, "b", {"fails": True})
        await queue.start_job("a")
        try:
            await queue.start_job("b")
        except ProcessControlError as error:
            print(error)
        for job_id in ("a", "b"):
            await queue.start_job(job_id)
            while (await queue.get_job_status(job_id))["is_running"]:
                await asyncio.sleep(0.01)
            print((await queue.get_job_status(job_id))["status"])


asyncio.run(main())
"""
    )
    assert told == [
        "Process control error for job 'b' during start: Maximum concurrent jobs reached",
        "completed",
        "error",
    ]


def test_a_job_in_a_thread_may_be_counted_as_stopped_and_be_forgotten(script: Script) -> None:
    told = script(
        """
import asyncio
import threading

from queuemgr import AsyncSimpleQueue, JobNotFoundError, ProcessControlError
from queuemgr.jobs.base import QueueJobBase

release = threading.Event()


class Slow(QueueJobBase):
    def execute(self) -> None:
        release.wait(30)


async def main():
    queue = AsyncSimpleQueue(max_concurrent_jobs=2)
    print(queue.is_running())
    await queue.start()
    print(queue.is_running())
    for job_id in "ab":
        await queue.add_job(Slow, job_id, {})
        await queue.start_job(job_id)
    await queue.stop_job("a")
    print((await queue.get_job_status("a"))["status"], (await queue.get_job_status("a"))["is_running"])
    await queue.delete_job("b", force=True)
    for wrong, kind in ((queue.stop_job("nobody"), JobNotFoundError), (queue.delete_job("b"), JobNotFoundError)):
        try:
            await wrong
        except kind:
            print("unknown")
    release.set()
    await queue.stop()
    print(await queue.get_job_status("a") | {"created_at": 0, "started_at": 0})
    try:
        await queue.stop_job("a")
    except ProcessControlError as error:
        print(error.operation)
    print(len(await queue.list_jobs()), queue.is_running())


asyncio.run(main())
"""
    )
    end = "{'job_id': 'a', 'status': 'stopped', 'created_at': 0, 'is_running': False, 'started_at': 0}"
    assert told == ["False", "True", "stopped True", "unknown", "unknown", end, "stop", "1 False"]


def test_the_examples_run(script: Script) -> None:
    told = script(Path(result_job.__file__).read_text(encoding="utf-8"))
    assert [line.partition(",")[0] for line in told] == ["sum: COMPLETED", "table: COMPLETED", "complaint: ERROR"]
    told = script(Path(large_result_job.__file__).read_text(encoding="utf-8"), "0.5")
    assert told[0].startswith("COMPLETED: ")
    assert told[1].endswith("[1000, 1001, 1002]")


def test_a_program_that_is_killed_leaves_no_service_and_no_job_behind_and_loses_nothing(script: Script) -> None:
    text = """
import os
import signal
import sys

from queuemgr.examples.result_job import SumJob, TableJob
from queuemgr.proc_api import proc_queue_system

if __name__ == "__main__":
    if "die" not in sys.argv:
        with proc_queue_system() as queue:
            told = {job["job_id"]: (job["status"], job["result"]) for job in queue.list_jobs()}
            print(told["done"], told["waiting"], told["running"][0])
            queue.start_job("waiting")
            print(queue.wait_for_job("waiting")["result"])
    elif os.fork() == 0:
        with proc_queue_system() as queue:
            queue.add_job(SumJob, "done", {"numbers": [1]})
            queue.start_job("done")
            queue.wait_for_job("done")
            queue.add_job(SumJob, "waiting", {"numbers": [2]})
            queue.add_job(TableJob, "running", {"rows": 10, "pause": 600})
            queue.start_job("running")
            while queue.get_job_status("running")["status"] != "RUNNING":
                pass
            children = [queue._process.pid, queue.inspect_job("running")["pid"]]
            print(*children, flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
    else:
        os.wait()
"""
    pids = [int(word) for word in script(text, "die")[0].split()]
    from tests.host.rig import lives, until

    until(lambda: not any(map(lives, pids)))
    told = script(text)
    assert told[0].startswith("('COMPLETED', {'sum': 1}) ('PENDING', None) ")
    assert told[0].endswith(("STOPPED", "ERROR"))
    assert told[1] == "{'sum': 2}"

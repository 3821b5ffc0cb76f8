"""A result of any size is written and read in little memory, and looked at in no time. It measures no speed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MOST = 40  # MB that may be added
PROGRAM = """
import json, os, resource, sys, time
from queuemgr.codec import Codec
from queuemgr.result import Owner, Reference, Results
from queuemgr.results.files import FilePlace
from queuemgr.results.keeper import ResultKeeper
from queuemgr.results.reader import StoredResult

what, folder, megabytes = sys.argv[1], sys.argv[2], int(sys.argv[3])
place, codec = FilePlace(folder), Codec()
keeper = ResultKeeper(lambda: place, codec, None, Results())
rows = [{"id": n, "value": n / 7, "data": os.urandom(50).hex()} for n in range(5_000)]
size = len(codec.encode_items(rows))
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
before = peak()
if what == "write":
    with keeper.writer(Owner("job", 1)) as out:
        for _ in range(megabytes * 1_000_000 // size + 1):
            out.extend(rows)
    print(json.dumps({"added": peak() - before, "size": out.size, "reference": out.result.hex()}))
else:
    reference = Reference.read(bytes.fromhex(sys.argv[4]))
    begun = time.process_time()
    with StoredResult(place.open(reference.digest), codec, expected=reference) as result:
        assert result.page(0, 100) == rows[:100] or len(result.page(0, 100)) == 100
        first = time.process_time() - begun
        count = sum(map(len, result.pages(1000)))
        length = 0
        with result.stream() as stream:
            while chunk := stream.read(1 << 20):
                length += len(chunk)
    print(json.dumps({"added": peak() - before, "length": length, "count": count, "first": first}))
"""


@pytest.mark.parametrize("megabytes", [200, pytest.param(1000, marks=[pytest.mark.slow, pytest.mark.timeout(300)])])
def test_a_result_of_any_size_needs_little_memory(megabytes: int, tmp_path: Path) -> None:
    written = _run("write", tmp_path, str(megabytes))
    assert written["size"] >= megabytes * 1_000_000
    assert written["added"] < MOST
    read = _run("read", tmp_path, str(megabytes), str(written["reference"]))
    assert read["length"] == written["size"]
    assert read["added"] < MOST
    assert float(read["first"]) < 0.05


def _run(what: str, folder: Path, *arguments: str) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, what, folder, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, float] = json.loads(done.stdout)
    return found

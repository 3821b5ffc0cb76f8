# The product's rows for the peers' harness, read by its run.py: one for each store and way to run a job.
from __future__ import annotations


def qm(c, p):
    return [
        B("queuemgr", "python"),
        "-m",
        "queuemgr",
        "worker",
        "queuemgr_a:app",
        "-c",
        str(c),
        "-p",
        str(p),
        "--log-level",
        "error",
    ]


W = "W1 W1b W2 W3 W4 W5 W6 W7 W8 W9"
row(
    "queuemgr-async",
    "queuemgr_a",
    qm,
    venv="queuemgr",
    backend="sqlite",
    setting="async",
    conc=50,
    w5=(50, 2),
    g=ALO,
    desc="SQLite, asyncio tasks",
    kinds=W,
    n=20000,
)
row(
    "queuemgr-thread",
    "queuemgr_a",
    qm,
    venv="queuemgr",
    backend="sqlite",
    setting="thread",
    conc=50,
    w5=(1, 2),
    g=ALO,
    desc="SQLite, threads",
    kinds=W,
    n=20000,
)
row(
    "queuemgr-pool",
    "queuemgr_a",
    qm,
    venv="queuemgr",
    backend="sqlite",
    setting="pool",
    conc=4,
    g=ALO,
    desc="SQLite, reused processes",
    kinds="W2 W3",
    n=10000,
)
row(
    "queuemgr-process",
    "queuemgr_a",
    qm,
    venv="queuemgr",
    backend="sqlite",
    setting="process",
    conc=4,
    g=ALO,
    desc="SQLite, a fresh process per job",
    kinds="W2 W3 W9",
    n=1000,
)
row(
    "queuemgr-full",
    "queuemgr_a",
    qm,
    venv="queuemgr",
    backend="sqlite",
    setting="async,full",
    conc=50,
    g=ALO + ", power loss",
    desc="SQLite, synchronous=FULL",
    kinds="W1 W1b W2 W3",
    n=5000,
)
row(
    "queuemgr-redis",
    "queuemgr_a",
    qm,
    venv="queuemgr",
    backend="redis",
    setting="redis,async",
    conc=50,
    w5=(1, 2),
    g=ALO,
    desc="Redis, asyncio tasks",
    kinds=W,
    n=20000,
)

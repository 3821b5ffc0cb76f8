"""`python -m queuemgr.service.web`, the same as `queuemgr web`. It only hands over."""

from __future__ import annotations

import sys

from queuemgr.service.cli.main import main as command


def main() -> None:
    command(["web", *sys.argv[1:]], "queuemgr")


if __name__ == "__main__":
    main()

"""`python -m queuemgr.service.daemon start|stop|restart|status|config`."""

from __future__ import annotations

from .commands import main

if __name__ == "__main__":
    main()

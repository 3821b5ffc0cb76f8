"""The whole contract of a store, as one class to inherit from. It holds no test of its own."""

from __future__ import annotations

from .claim import ClaimCases
from .control import ControlCases, PruneCases
from .copying import CopyingCases
from .crowds import CrowdCases
from .damage import DamageCases
from .deaths import DeathCases
from .enqueue import EnqueueCases
from .keys import KeyCases
from .limits import LimitCases
from .priorities import PriorityCases
from .reading import FindCases, LookCases
from .reporting import ReportCases
from .schedules import ScheduleCases
from .settle import SettleCases
from .suspects import SuspectCases
from .taken_over import TakenOverCases
from .unique import UniqueCases
from .waiting import WaitCases, WaitFinishedCases


class StoreSuite(
    EnqueueCases,
    UniqueCases,
    ClaimCases,
    LimitCases,
    SettleCases,
    DeathCases,
    SuspectCases,
    ControlCases,
    PriorityCases,
    PruneCases,
    FindCases,
    LookCases,
    ReportCases,
    ScheduleCases,
    KeyCases,
    WaitCases,
    WaitFinishedCases,
    CopyingCases,
    TakenOverCases,
    CrowdCases,
    DamageCases,
):
    """The contract in `queuemgr.store` as tests. A store passes all of it or is none.

    A class that inherits from it, is named Test... and has a fixture `url` runs it with pytest:

        class TestMyStore(StoreSuite):
            @pytest.fixture
            def url(self, tmp_path):
                return f"mystore:///{tmp_path}/jobs"

    The address must be that of an empty store of this test alone, and `queuemgr.app.open_store` must know it: some
    tests open the same store from other processes. `make` may be overridden to build the store in this process, and
    `damage_job` and `damage_schedule` where a test can break what the store keeps; else the tests of that are skipped.
    """

"""What lies around drivers and targets and is nobody's own matter: each wrapper gives back what it was given.

From the outside in, the order that holds its promises is: `bounded`, `alone` (an abandoned call keeps its objects until
it ends), `limited`, `measured` (counts the call alone, not the waiting), `faulty`, the driver. The lock of each object
is held by the engine around these.
"""

from .alone import alone
from .bounded import Bound, bounded, ends_in_time
from .faulty import Crash, Fault, Faults, Moment, faulty
from .limited import limited
from .measured import CallMetrics, measured
from .wrapper import Call, unwrap, wrap

__all__ = [
    "Bound",
    "Call",
    "CallMetrics",
    "Crash",
    "Fault",
    "Faults",
    "Moment",
    "alone",
    "bounded",
    "ends_in_time",
    "faulty",
    "limited",
    "measured",
    "unwrap",
    "wrap",
]

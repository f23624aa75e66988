"""What lies around drivers and targets and is nobody's own matter: each wrapper gives back what it was given.

From the outside in, the order that holds its promises is: `bounded` (an abandoned call keeps its lock until it ends),
`locked`, `limited`, `measured` (counts the call alone, not the waiting), `faulty`, the driver.
"""

from .bounded import Bound, bounded
from .faulty import Crash, Fault, Faults, Moment, faulty
from .limited import limited
from .locked import locked, on_behalf_of
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
    "bounded",
    "faulty",
    "limited",
    "locked",
    "measured",
    "on_behalf_of",
    "unwrap",
    "wrap",
]

"""Lower bounds of a run's time, and which of them limits it."""

from dataclasses import dataclass

from archsim.errors import ConservationError
from archsim.results.metrics import busy_ticks, critical_path, sum_by_sort
from archsim.results.trace import Trace


@dataclass(frozen=True, slots=True)
class Bounds:
    """Times, in seconds, that no run of this schedule on this machine can beat.

    ``compute_s``: the busiest sort of unit, its work spread evenly; ``bandwidth_s``: the
    busiest sort of channel likewise; ``critical_path_s``: the longest chain of operations
    that wait for each other, each alone on the machine.
    """

    compute_s: float
    compute_component: str
    bandwidth_s: float
    bandwidth_component: str
    critical_path_s: float
    critical_path: tuple[str, ...]
    latency_s: float

    @property
    def largest_s(self) -> float:
        """The bound that comes nearest to the run."""
        return max(self.compute_s, self.bandwidth_s, self.critical_path_s)

    @property
    def limited_by(self) -> str:
        """What limits the run: the largest bound's cause, in the field's words."""
        if self.largest_s == self.critical_path_s:
            return "critical_path"
        return "compute" if self.largest_s == self.compute_s else "bandwidth"

    @property
    def efficiency(self) -> float:
        """The largest bound over the time it took: 1 where nothing can be gained."""
        return self.largest_s / self.latency_s


def find_bounds(trace: Trace) -> Bounds:
    """Compute the bounds of a run.

    Raises:
        ConservationError: if the run was faster than one of them.
    """
    totals = sum_by_sort(trace, busy_ticks(trace))
    counts = sum_by_sort(trace, {component.name: 1 for component in trace.components})
    means = {sort: totals[sort] / counts[sort] for sort in totals}
    units = {component.sort for component in trace.components if component.is_unit}
    channels = means.keys() - units
    compute = max(sorted(units), key=lambda sort: means[sort])
    bandwidth = max(sorted(channels), key=lambda sort: means[sort], default="")
    ticks, path = critical_path(trace)
    for cause, bound in (
        (compute, means[compute]),
        (bandwidth, means.get(bandwidth, 0)),
        ("critical path", ticks),
    ):
        if bound > trace.makespan:
            raise ConservationError(
                f"the run took {trace.makespan} ticks, {cause} alone takes {bound}"
            )
    rate = trace.tick_rate_hz
    return Bounds(
        compute_s=means[compute] / rate,
        compute_component=compute,
        bandwidth_s=means.get(bandwidth, 0) / rate,
        bandwidth_component=bandwidth,
        critical_path_s=ticks / rate,
        critical_path=path,
        latency_s=trace.makespan / rate,
    )

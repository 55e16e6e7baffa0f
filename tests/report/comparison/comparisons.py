"""Comparisons small enough to be checked by hand: two workloads on three machines."""

from archsim.results import Case, Comparison, PublishedRatio

VALUES = {  # seconds and joules
    ("bert", "tpu"): (0.008, 0.4),
    ("bert", "fetta"): (0.004, 0.1),  # 2 x, 4 x, so 8 x
    ("bert", "ette"): (0.016, 0.2),  # 0.5 x, 2 x, so 1 x
    ("vit", "tpu"): (0.04, 3.2),
    ("vit", "fetta"): (0.005, 0.2),  # 8 x, 16 x, so 128 x; the means: 4 x, 8 x, 32 x
}
ERROR = "MappingError: vit.mlp does not fit <buffer>;\n  give it more room"
REASON = "MappingError: vit.mlp does not fit <buffer>; give it more room"


def digest(latency_s, energy_j, limit="bandwidth"):
    """What a comparison reads of a run."""
    return {
        "latency_s": latency_s,
        "energy_j": energy_j,
        "edp_js": latency_s * energy_j,
        "power_w": energy_j / latency_s,
        "macs": 2_000_000,
        "dram_bytes": 4096,
        "utilization": {"macs": 0.25, "array": 0.5},
        "bounds": {
            "compute_s": latency_s / 4,
            "compute_component": "array",
            "bandwidth_s": latency_s / 2,
            "bandwidth_component": "dram",
            "critical_path_s": latency_s / 8,
            "limited_by": limit,
            "efficiency": 0.5,
        },
        "time_parts_s": {
            "compute": latency_s / 4,
            "fill and drain": latency_s / 4,
            "shaping": 0.0,
            "network": latency_s / 8,
            "memory": 3 * latency_s / 8,
        },
    }


def build_case(workload, architecture, values=None, **changes):
    """One run, failed where it has no values."""
    fields = {
        "name": f"{workload} on {architecture}",
        "labels": {"workload": workload, "architecture": architecture},
        "digest": None if values is None else digest(*values),
        "error": ERROR if values is None else "",
        "command": f"archsim run {workload}.yaml --set architecture={architecture}",
    }
    return Case(**fields | changes)


CASES = tuple(
    build_case(workload, architecture, VALUES.get((workload, architecture)))
    for workload in ("bert", "vit")
    for architecture in ("tpu", "fetta", "ette")
)


def build_comparison(**changes):
    """The comparison, with parts replaced."""
    fields = {
        "name": "machines",
        "title": "Machines on <tensor> models",
        "question": "Which machine trains tensorised models best?",
        "baseline": {"architecture": "tpu"},
        "cases": CASES,
        "published": (
            PublishedRatio(
                metric="latency_s",
                better={"architecture": "fetta"},
                than={"architecture": "tpu"},
                low=1.5,
                high=3.5,
                source="recalled: a talk",
            ),
        ),
        "assumptions": ("clocks are 1 GHz & all alike",),
        "command": "archsim compare machines.yaml",
        "config_hash": "0123456789abcdef",
        "versions": {"archsim": "0.1.0"},
    }
    return Comparison(**fields | changes)


def only(*names):
    """The cases of these names, in order."""
    return tuple(case for case in CASES if case.name in names)

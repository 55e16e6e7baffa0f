"""The same sweep on a Ray cluster of two nodes in this machine: `pytest -m ray`."""

import pytest

import archsim
from archsim.sweep.run import run_sweep

pytestmark = [
    pytest.mark.ray,
    pytest.mark.filterwarnings("ignore"),  # ray's own
]


@pytest.fixture(scope="module")
def ray():
    found = pytest.importorskip("ray")
    from ray.cluster_utils import Cluster  # noqa: PLC0415

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    cluster.add_node(num_cpus=1)
    found.init(address=cluster.address, log_to_driver=False)
    yield found
    found.shutdown()
    cluster.shutdown()


def test_a_cluster_gives_the_same_table(written, tmp_path, ray):
    assert len([node for node in ray.nodes() if node["Alive"]]) == 2
    archsim.sweep(written(), workers=1, out=tmp_path / "local")

    frame = archsim.sweep(written(), out=tmp_path / "ray", executor="ray")

    tables = [(tmp_path / name / "points.csv").read_bytes() for name in ("local", "ray")]
    assert tables[0] == tables[1]
    assert len(frame) == 36


def test_an_actor_that_dies_is_replaced_and_nothing_is_lost(written, tmp_path, ray):
    notes, killed = [], []

    def told(far):
        if far.done == 5 and not killed:
            killed.append(True)
            for actor in ray.util.list_named_actors(all_namespaces=True):
                ray.kill(ray.get_actor(**actor))

    made = run_sweep(
        written(), tmp_path / "ray", workers=2, executor="ray", told=told, say=notes.append
    )

    assert made.points == 36
    assert killed
    assert any("died" in note for note in notes)

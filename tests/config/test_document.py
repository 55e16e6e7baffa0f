"""Documents: YAML scalars, references, overrides, sources, the hash."""

import sys
from pathlib import Path

import pytest

from archsim import config
from archsim.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("1E5", 100000.0),
        ("-1.5e+2", -150.0),
        (".5", 0.5),
        ("3", 3),
        ("1_000", 1000),
        ("0x10", 16),
        ("007", "007"),  # neither octal nor a number written by habit
        ("12:30", "12:30"),  # YAML 1.1 makes 750 of it
        ("2026-01-02", "2026-01-02"),
        ("no", "no"),
        ("on", "on"),
        ("true", True),
        ("~", None),
        ("'8'", "8"),
        ("300 MHz", "300 MHz"),
        ("[1, [2, a]]", [1, [2, "a"]]),
        ("{value: 3, source: paper}", 3),
        ("{value: [1, 2], note: why}", [1, 2]),
    ],
)
def test_scalars_mean_what_they_look_like(write, text, value):
    document = config.load(write("x.yaml", f"key: {text}\n"))

    found = document["key"].data

    assert found == value
    assert type(found) is type(value)


def test_an_anchor_repeats_a_value(write):
    document = config.load(write("x.yaml", "a: &modes [1, 2]\nb: *modes\n"))

    assert document.data == {"a": [1, 2], "b": [1, 2]}


def test_a_byte_order_mark_is_no_content(write):
    document = config.load(write("x.yaml", b"\xef\xbb\xbfa: 1\n"))

    assert document.data == {"a": 1}


def test_the_extending_file_wins_key_by_key(write):
    write("base.yaml", "a: 1\nb: {c: 2, d: 3}\nlist: [1, 2]\n")
    file = write("x.yaml", "extends: base.yaml\nb: {d: 4}\nlist: [9]\n")

    assert config.load(file).data == {"a": 1, "b": {"c": 2, "d": 4}, "list": [9]}


def test_a_name_where_a_section_belongs_extends_the_file_of_its_folder(write):
    write("lab/architectures/u9.yaml", "clock: 1 GHz\n")
    write("lab/architectures/u9_fast.yml", "extends: u9\nclock: 2 GHz\nports: 4\n")
    file = write("lab/experiments/deep/x.yaml", "architecture: u9_fast\nname: u9\n")

    assert config.load(file).data == {
        "architecture": {"clock": "2 GHz", "ports": 4},
        "name": "u9",
    }


def test_a_nested_mapping_extends_too(write):
    write("hbm.yaml", "capacity: 8 GiB\nchannels: 32\n")
    file = write("x.yaml", "machine:\n  dram: {extends: ./hbm, channels: 4}\n")

    assert config.load(file).data == {"machine": {"dram": {"capacity": "8 GiB", "channels": 4}}}


def test_a_mapping_in_a_list_extends_too(write):
    write("part.yaml", "a: 1\n")
    file = write("x.yaml", "parts: [{extends: part.yaml, b: 2}]\n")

    assert config.load(file).data == {"parts": [{"a": 1, "b": 2}]}


def test_a_part_that_extends_replaces_the_inherited_part(write):
    """Two architectures are never mixed."""
    write("architectures/one.yaml", "only_one: 1\n")
    write("architectures/two.yaml", "only_two: 2\n")
    write("base.yaml", "architecture: {extends: one, extra: 1}\n")

    by_name = config.load(write("x.yaml", "extends: base.yaml\narchitecture: two\n"))
    by_extends = config.load(
        write("y.yaml", "extends: base.yaml\narchitecture: {extends: two, extra: 2}\n")
    )

    assert by_name.data == {"architecture": {"only_two": 2}}
    assert by_extends.data == {"architecture": {"only_two": 2, "extra": 2}}


def test_an_experiment_may_have_its_workload_s_name(write):
    write("workloads/atis.yaml", "encoders: 2\n")
    file = write("experiments/atis.yaml", "workload: atis\n")

    assert config.load(file).data == {"workload": {"encoders": 2}}


def test_names_lie_beside_the_file_where_no_folder_has_them(write):
    write("mine.yaml", "encoders: 3\n")
    file = write("x.yaml", "workload: mine\n")

    assert config.load(file)["workload"].data == {"encoders": 3}


def test_names_are_found_in_an_installed_archsim(write, tmp_path, monkeypatch):
    write("prefix/share/archsim/configs/workloads/shipped.yaml", "encoders: 4\n")
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "prefix"))
    file = write("x.yaml", "workload: shipped\n")

    assert config.load(file)["workload"].data == {"encoders": 4}


def test_a_file_beside_no_folders_may_have_the_name_of_what_it_extends(
    write, tmp_path, monkeypatch
):
    write("prefix/share/archsim/configs/workloads/shipped.yaml", "encoders: 4\n")
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "prefix"))
    file = write("shipped.yaml", "workload: shipped\n")

    assert config.load(file)["workload"].data == {"encoders": 4}


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        ({"workload.rank": 8}, {"modes": [2, 3], "rank": 8}),
        ({"workload.deep.x": "1 GHz"}, {"modes": [2, 3], "rank": 4, "deep": {"x": "1 GHz"}}),
        ({"workload.modes": (5, 6)}, {"modes": [5, 6], "rank": 4}),
        ({"workload": "other"}, {"rank": 1}),
        ({"workload.rank": 2, "workload": "other"}, {"rank": 2}),
        ({'"workload".rank': 2, "workload": "other"}, {"rank": 2}),
        ({"workload": {"rank": 3}}, {"rank": 3}),
        ({'workload."a.b"': 1}, {"modes": [2, 3], "rank": 4, "a.b": 1}),
        ({"workload.rank": None}, {"modes": [2, 3], "rank": None}),
    ],
)
def test_overrides_replace_values_and_reach_into_references(write, overrides, expected):
    write("workloads/small.yaml", "modes: [2, 3]\nrank: 4\n")
    write("workloads/other.yaml", "rank: 1\n")
    file = write("x.yaml", "workload: small\n")

    assert config.load(file, overrides)["workload"].data == expected


def test_an_override_reaches_through_what_the_whole_file_extends(write):
    write("workloads/small.yaml", "rank: 4\nhidden: 8\n")
    write("base.yaml", "workload: small\n")
    file = write("x.yaml", "extends: base.yaml\n")

    document = config.load(file, {"workload.rank": 2})

    assert document.data == {"workload": {"rank": 2, "hidden": 8}}


def test_an_override_s_mapping_replaces_the_inherited_one(write):
    write("workloads/small.yaml", "deep: {a: 1, b: 2}\n")
    file = write("x.yaml", "workload: small\n")

    whole = config.load(file, {"workload.deep": {"c": 3}})
    and_more = config.load(file, {"workload.deep.d": 4, "workload.deep": {"c": 3}})

    assert whole["workload"].data == {"deep": {"c": 3}}
    assert and_more["workload"].data == {"deep": {"c": 3, "d": 4}}


def test_an_override_s_mapping_may_extend_a_component(write):
    """It takes the place of the component that was there, and lies over the named one."""
    write("components/fast.yaml", "kind: dram\nclock: 2 GHz\nchannels: 1\n")
    write("architectures/small.yaml", "components: {dram: {kind: dram, ports: 9}}\n")
    file = write("experiments/x.yaml", "architecture: small\n")

    mapping = {"architecture.components.dram": {"extends": "fast", "channels": 4}}
    by_keys = {
        "architecture.components.dram.extends": "fast",
        "architecture.components.dram.channels": 4,
    }

    for overrides in (mapping, by_keys):
        found = config.load(file, overrides)["architecture"].data
        assert found == {"components": {"dram": {"kind": "dram", "clock": "2 GHz", "channels": 4}}}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a.b=8", ("a.b", 8)),
        ("a = [1, 2]", ("a", [1, 2])),
        ("a=300 MHz", ("a", "300 MHz")),
        ("a=x=y", ("a", "x=y")),
        ("a={b: 1e-3}", ("a", {"b": 0.001})),
        ("a=", ("a", None)),
    ],
)
def test_override_texts_are_yaml(text, expected):
    assert config.parse_override(text) == expected


def test_sources_follow_values_through_extends_and_overrides(write):
    write(
        "architectures/u9.yaml",
        "source: data sheet\n"
        "clock: 1 GHz\n"
        "ports: {value: 2, source: measured, note: twice}\n"
        "power: {source: estimate, idle: 3 W, busy: 9 W}\n"
        "size: {area: {width: 1}}\n",
    )
    text = "architecture: {extends: u9, clock: 2 GHz, new: {value: 1, source: here}}\n"
    file = write("x.yaml", text)

    document = config.load(file, {"architecture.power.idle": "4 W"})

    # The clock is no longer the data sheet's.
    assert document.sources == {
        "architecture.ports": "measured",
        "architecture.power.idle": "set by the user",
        "architecture.power.busy": "estimate",
        "architecture.size.area.width": "data sheet",
        "architecture.new": "here",
    }
    assert document.notes == {"architecture.ports": "twice"}
    assert document.data["architecture"]["ports"] == 2


def test_the_hash_is_of_values_only(write):
    one = config.load(write("x.yaml", "b: 1\na: {value: 2, source: s}\n"))
    same = config.load(write("y.yaml", "# a comment\na: 2\nb: 1\n"))
    other = config.load(write("z.yaml", "a: 2\nb: 1.0\n"))

    assert config.config_hash(one) == config.config_hash(same)
    assert config.config_hash(one) != config.config_hash(other)
    # sha256 of {"a":2,"b":1}
    assert config.config_hash(one) == "d3626ac30a87"


def test_sections_say_where_they_are(write):
    document = config.load(write("x.yaml", "a:\n  b: 1\n"))

    assert str(document["a"]["b"].fail("is odd")) == "x.yaml:2: a.b: is odd"
    assert "a" in document
    assert document.get("z") is None
    with pytest.raises(ConfigError, match=r"^x.yaml:1: a.z: missing \(known: b\)$"):
        document["a"]["z"]


def test_sections_refuse_keys_they_do_not_know(write):
    document = config.load(write("x.yaml", "name: n\nworkloda: w\n"))

    with pytest.raises(ConfigError, match=r"^x.yaml:2: workloda: unknown key \(did you mean 'w"):
        document.root.allow_only(("name", "workload"))


def test_configurations_near_here_are_listed(write):
    write("configs/workloads/near.yaml", "a: 1\n")

    found = config.available()

    assert Path("configs/workloads/near.yaml").resolve() in found["workloads"]

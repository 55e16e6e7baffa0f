"""Frozen values out of sections: types, units, kinds, defaults, schemas."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, ClassVar, Literal

import pytest

from archsim import config, formats
from archsim.config import Section
from archsim.errors import ConfigError
from archsim.formats import NumberFormat
from archsim.hardware import COMPONENTS, Architecture, DramSpec, LinkSpec
from archsim.ir import Role
from archsim.registry import Registry
from archsim.units import Bytes, BytesPerSecond, Hertz, Picojoules


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Part:
    """What a part is."""


PARTS: Registry[type[Part]] = Registry("part")


@PARTS.register("wheel")
@dataclass(frozen=True, kw_only=True)
class Wheel(Part):
    """Round."""

    kind: ClassVar[str] = "wheel"
    spokes: int


@PARTS.register("bell")
@dataclass(frozen=True, kw_only=True)
class Bell(Part):
    """Loud."""

    tone: Hertz = 440


@dataclass(frozen=True, kw_only=True)
class Core:
    """A part with a range check."""

    rows: int
    """Rows of units,
    counted from one."""
    columns: int = 1
    shape: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.rows < 1:
            raise ValueError(f"rows: must be >= 1, got {self.rows}")
        if self.columns < 1:
            raise ValueError(f"columns must be >= 1, got {self.columns}")
        if len(self.shape) > 2:
            raise ValueError("the whole is too big")


@dataclass(frozen=True, kw_only=True)
class Bench:
    """Every sort of field there is."""

    name: str
    copy: bool = False
    ratio: float = 0.5
    clock: Hertz = 10**9
    bandwidth: BytesPerSecond | None = None
    energy: Picojoules = 1.0
    flow: Literal["in", "out"] = "in"
    colour: Colour = Colour.RED
    number_format: NumberFormat = field(default_factory=lambda: formats.parse("fp32"))
    modes: tuple[tuple[int, ...], tuple[int, ...]] | tuple[int, ...] = (1,)
    tiles: int | Literal["auto"] = "auto"
    speed: Hertz | Literal["free"] = "free"
    pair: tuple[int, str] = (1, "a")
    core: Core | None = None
    cores: dict[str, Core] = field(default_factory=dict)
    prices: Mapping[str, Mapping[str, Picojoules]] = field(default_factory=dict)
    places: dict[Role, tuple[str, ...]] = field(default_factory=dict)
    buffers: tuple[Bytes, ...] = ()
    parts: dict[str, Annotated[Part, PARTS]] = field(default_factory=dict)
    total: int = field(init=False, default=7)


def bench(**values: object) -> Bench:
    return config.build(Bench, Section.of({"name": "b", **values}))


@pytest.mark.parametrize(
    ("key", "written", "value"),
    [
        ("copy", True, True),
        ("ratio", 2, 2.0),
        ("ratio", 1e-3, 0.001),
        ("clock", "300 MHz", 300_000_000),
        ("bandwidth", "0.1 GB/s", 100_000_000),
        ("bandwidth", None, None),
        ("energy", "3.7 pJ", 3.7),
        ("energy", "1 nJ", 1000.0),
        ("flow", "out", "out"),
        ("colour", "blue", Colour.BLUE),
        ("number_format", "bf16", formats.parse("bf16")),
        ("number_format", "posit(8,1)", formats.Posit(8, 1)),
        ("modes", [12, 8, 8], (12, 8, 8)),
        ("modes", [[12, 8], [8, 12]], ((12, 8), (8, 12))),
        ("tiles", 4, 4),
        ("tiles", "auto", "auto"),
        ("speed", "2 Hz", 2),
        ("speed", "free", "free"),
        ("pair", [2, "b"], (2, "b")),
        ("core", {"rows": 2}, Core(rows=2)),
        ("cores", {"x": {"rows": 2, "shape": [1]}}, {"x": Core(rows=2, shape=(1,))}),
        ("prices", {"mac": {"fp32": "1 pJ"}}, {"mac": {"fp32": 1.0}}),
        ("places", {"parameter": ["uram"]}, {Role.PARAMETER: ("uram",)}),
        ("buffers", ["1 KiB", "2 B"], (1024, 2)),
        ("parts", {"a": {"kind": "wheel", "spokes": 3}}, {"a": Wheel(spokes=3)}),
        ("parts", {"a": {"kind": "bell"}}, {"a": Bell()}),
    ],
)
def test_values_become_what_the_field_holds(key, written, value):
    found = getattr(bench(**{key: written}), key)

    assert found == value
    assert type(found) is type(value)


def test_fields_left_out_have_the_dataclass_s_defaults():
    assert bench() == Bench(name="b")


@pytest.mark.parametrize(
    ("key", "written", "message"),
    [
        ("name", 3, "b.name: expected text, got 3"),
        ("copy", 1, "copy: expected true or false, got 1"),
        ("ratio", "2", "ratio: expected a number, got '2'"),
        ("ratio", True, "ratio: expected a number, got true"),
        ("ratio", float("nan"), "ratio: expected a finite number, got nan"),
        ("ratio", float("inf"), "ratio: expected a finite number, got inf"),
        ("clock", 300, "one of Hz, kHz, MHz, GHz, got 300 without a unit"),
        ("clock", "300 MB", "one of Hz, kHz, MHz, GHz, got '300 MB'"),
        ("clock", "0.5 Hz", "clock: '0.5 Hz' is not a whole number of Hz"),
        ("clock", True, "one of Hz, kHz, MHz, GHz, got true"),
        ("clock", "99999999999 GHz", "clock: must be at most 9007199254740991"),
        ("bandwidth", "8 GiB", "one of B/s, MB/s, GB/s, TB/s, got '8 GiB'"),
        ("flow", "ou", "expected 'in' or 'out', got 'ou' (did you mean 'out'?)"),
        ("colour", "bleu", "expected 'red' or 'blue', got 'bleu' (did you mean 'blue'?)"),
        ("number_format", "bf61", "no number format named 'bf61'; did you mean 'bf16'?"),
        ("number_format", 32, "expected a number format's name, got 32"),
        ("modes", "12", "modes: expected a list, got '12'"),
        ("modes", [12, "8"], "modes.1: expected a whole number, got '8'"),
        ("tiles", "aut", "expected a whole number or 'auto', got 'aut' (did you mean 'auto'?)"),
        ("speed", "fee", "speed: expected a number and one of Hz, kHz, MHz, GHz, got 'fee'"),
        ("tiles", 1.5, "expected a whole number or 'auto', got 1.5"),
        ("pair", [1, 2], "pair.1: expected text, got 2"),
        ("pair", [1], "pair: a list of 1 items is too short"),
        ("pair", [1, "a", 3], "pair: expected a list of 2 items, got 3"),
        ("core", 3, "core: expected a mapping, got 3"),
        ("core", {}, "core.rows: missing; expected a whole number"),
        ("core", {"row": 1}, "core.row: unknown key (did you mean 'rows'?)"),
        ("core", {"rows": 0}, "core.rows: must be >= 1, got 0"),
        ("core", {"rows": 1, "columns": 0}, "core.columns: must be >= 1, got 0"),
        ("core", {"rows": 1, "shape": [1, 2, 3]}, "core: the whole is too big"),
        ("core", {"rows": 2**53}, "core.rows: must be at most 9007199254740991"),
        ("core", {"rows": 10**200}, "got a number of about 10**200"),
        ("cores", [1], "cores: expected a mapping, got [1]"),
        ("prices", {"mac": {"fp32": 1}}, "prices.mac.fp32: expected a number and one of fJ"),
        ("places", {"paramter": []}, "places.paramter: unknown key (did you mean 'parameter'?)"),
        ("buffers", ["1 KiB", 2], "buffers.1: expected a number and one of B, KiB"),
        ("parts", {"a": {"spokes": 3}}, "parts.a.kind: missing; expected one of bell, wheel"),
        ("parts", {"a": {"kind": "weel"}}, "no part named 'weel'; did you mean 'wheel'?"),
        ("parts", {"a": {"kind": "wheel", "spoke": 1}}, "parts.a.spoke: unknown key (did you"),
        ("parts", {"a": {"kind": "wheel", "spokes": "1"}}, "parts.a.spokes: expected a whole"),
        ("total", 7, "total: unknown key"),
        ("field_name", 7, "field_name: unknown key (known: bandwidth"),
    ],
)
def test_wrong_values_are_named_with_what_is_expected(key, written, message):
    with pytest.raises(ConfigError) as caught:
        config.build(Bench, Section.of({"name": "b", key: written}, "b"))

    assert message in str(caught.value).replace("b: name", "b.name")
    assert "\n" not in str(caught.value)


def test_a_mapping_is_expected_at_the_top(write):
    document = config.load(write("x.yaml", "core: 3\n"))

    with pytest.raises(ConfigError, match=r"^x.yaml:1: core: expected a mapping, got 3$"):
        config.build(Core, document["core"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("core:\n  rows: 0\n", "x.yaml:2: core.rows: must be >= 1, got 0"),
        ("core:\n\n  columns: 2\n", "x.yaml:1: core.rows: missing; expected a whole number"),
        ("core:\n  rows: 1\n  shape:\n  - 1\n  - a\n", "x.yaml:5: core.shape.1: expected a"),
        ("core:\n  rows: 1\n  shape: [1, 2, 3]\n", "x.yaml:1: core: the whole is too big"),
        ("core: {rows: 1,\n  column: 1}\n", "x.yaml:2: core.column: unknown key"),
    ],
)
def test_errors_name_the_line(write, text, message):
    document = config.load(write("x.yaml", text))

    with pytest.raises(ConfigError) as caught:
        config.build(Core, document["core"])

    assert str(caught.value).startswith(message)


def test_errors_name_the_file_that_holds_the_value(write):
    write("base.yaml", "# the base\nrows: -1\n")
    document = config.load(write("x.yaml", "core:\n  extends: ./base\n  columns: 2\n"))

    with pytest.raises(ConfigError, match=r"^base.yaml:2: core.rows: must be >= 1, got -1$"):
        config.build(Core, document["core"])


def test_errors_name_the_option_that_set_the_value(write):
    document = config.load(write("x.yaml", "core: {rows: 1}\n"), {"core.rows": -1})

    with pytest.raises(ConfigError, match=r"^--set core.rows: must be >= 1, got -1$") as caught:
        config.build(Core, document["core"])

    assert caught.value.path == ("core", "rows")


def test_a_kind_picks_the_class_from_a_registry():
    section = Section.of({"kind": "link", "width": "64 bit"})

    assert config.build_registered(COMPONENTS, section) == LinkSpec(width=64)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"width": "64 bit"}, "kind: missing; expected one of benes, "),
        ({"kind": "lnk"}, "kind: no component named 'lnk'; did you mean 'link'?"),
        ({"kind": 3}, "kind: no component named 3"),
        ({"kind": "link", "width": "0 bit"}, "width: must be >= 1, got 0"),
        ({"kind": "butterfly", "ports": 12}, "ports: must be a power of two >= 2, got 12"),
        ({"kind": "butterfly", "ports": 8, "width": "0 bit"}, "width: must be >= 1, got 0"),
    ],
)
def test_a_kind_must_be_known(values, message):
    with pytest.raises(ConfigError) as caught:
        config.build_registered(COMPONENTS, Section.of(values))

    assert message in str(caught.value).replace(" (did", "; did").replace("?)", "?")


ARCHITECTURE = """
name: small
components:
  array: {kind: processing_array, clock: 200 MHz, rows: 4, columns: 4, number_formats: [bf16]}
  dram: {kind: dram, capacity: 8 GiB, channels: 2, burst: 64 B, burst_cycles: 4}
  bus: {kind: link, width: {value: 64 bit, source: assumed}}
routes:
- {memory: dram, units: [array], read: bus, write: bus}
placement: {parameter: [dram]}
"""


def test_an_architecture_is_built_with_its_components(write):
    document = config.load(write("x.yaml", ARCHITECTURE))

    machine = config.build(Architecture, document.root)

    dram = DramSpec(capacity=8 * 2**30, channels=2, burst=64, burst_cycles=4)
    assert machine.components["dram"] == dram
    assert machine.components["array"].clock == 200_000_000
    assert machine.routes[0].units == ("array",)
    assert machine.placement == {Role.PARAMETER: ("dram",)}


def test_an_architecture_s_own_checks_point_at_the_line(write):
    document = config.load(write("x.yaml", ARCHITECTURE.replace("units: [array]", "units: [a]")))

    with pytest.raises(ConfigError, match=r"^x.yaml:8: routes.0.units: no compute unit named 'a'"):
        config.build(Architecture, document.root)


def test_fields_are_described_from_the_source():
    fields = config.fields_of(Bench)
    rows = config.fields_of(Core)["rows"]

    assert rows.description == "Rows of units, counted from one."
    assert rows.required
    assert fields["clock"].unit == "Hz"
    assert fields["clock"].type_words == "a number and one of Hz, kHz, MHz, GHz"
    assert fields["modes"].type_words == (
        "a list of 2 lists of whole numbers or a list of whole numbers"
    )
    assert fields["pair"].type_words == "a list of a whole number, text"
    assert fields["buffers"].type_words.startswith("a list of values, each a number and one of B")
    assert fields["flow"].type_words == "'in' or 'out'"
    assert "total" not in fields


def test_the_schema_says_what_files_may_say():
    """With a value's source beside it, and required keys only where nothing is extended."""
    schema = config.json_schema(Core)

    whole = {"maximum": 2**53 - 1, "minimum": 1 - 2**53, "type": "integer"}
    sourced = {"$ref": "#/$defs/sourced"}
    described = {"description": "Rows of units, counted from one."}
    listed = {"default": [], "items": whole, "type": "array"}
    assert schema["properties"] == {
        "rows": {"anyOf": [whole | described, sourced]},
        "columns": {"anyOf": [whole | {"default": 1}, sourced]},
        "shape": {"anyOf": [listed, sourced]},
        "extends": {"type": "string"},
        "source": {"type": "string"},
        "note": {"type": "string"},
    }
    assert schema["additionalProperties"] is False
    assert schema["anyOf"] == [{"required": ["extends"]}, {"required": ["rows"]}]
    assert schema["$defs"]["sourced"]["required"] == ["value"]


def test_the_schema_offers_every_registered_kind():
    schema = config.json_schema(Bench)

    kinds = schema["properties"]["parts"]["anyOf"][0]["additionalProperties"]["oneOf"]
    found = {
        schema["$defs"][kind["$ref"].removeprefix("#/$defs/")]["description"] for kind in kinds
    }
    assert found == {"Round.", "Loud."}


def test_the_schema_shows_defaults_as_files_write_them():
    properties = config.json_schema(Bench)["properties"]

    assert properties["clock"]["anyOf"][0]["default"] == "1 GHz"
    assert properties["number_format"]["anyOf"][0]["default"] == "fp32"
    assert properties["colour"]["anyOf"][0]["default"] == "red"

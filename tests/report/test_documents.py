"""The folder that ``--out`` makes."""

import csv
import json
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest

from archsim.errors import InputError
from archsim.report import check_writable, write
from archsim.report.documents import operations_csv
from archsim.report.findings.rows import finding_csv
from tests.report.findings.shown import ALL, TABLE

NAMES = ["result.json", "operations.csv", "breakdown.png", "timeline.png", "trace.json"]


def test_a_folder_that_is_missing_is_made_with_all_its_parents(result, tmp_path):
    folder = tmp_path / "a" / "b"

    written = write(result, folder)

    assert written == [folder / name for name in NAMES]
    assert sorted(path.name for path in folder.iterdir()) == sorted(NAMES)


def test_the_documents_hold_the_result(result, tmp_path):
    write(result, str(tmp_path))

    assert json.loads((tmp_path / "result.json").read_text()) == result.to_dict()
    assert json.loads((tmp_path / "trace.json").read_text())["otherData"]["name"] == "tiny"
    assert (tmp_path / "breakdown.png").read_bytes().startswith(b"\x89PNG")
    assert b"archsim run tiny.yaml" in (tmp_path / "timeline.png").read_bytes()


def test_writing_again_replaces_what_was_there(result, make_result, tmp_path):
    write(result, tmp_path)
    write(make_result(name="second"), tmp_path)

    assert json.loads((tmp_path / "result.json").read_text())["name"] == "second"
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(NAMES)


def test_each_finding_is_a_picture_and_its_numbers(result, tmp_path):
    written = write(result, tmp_path, ALL)

    names = [f"findings_{finding.name}.{ending}" for ending in ("png", "csv") for finding in ALL]
    assert sorted(path.name for path in written) == sorted([*NAMES, *names])
    assert b"archsim run tiny.yaml" in (tmp_path / "findings_decay.png").read_bytes()
    assert (tmp_path / "findings_ways.csv").read_bytes() == finding_csv(TABLE).encode()


def test_operations_are_rows_in_order_of_start(result):
    rows = list(csv.DictReader(StringIO(operations_csv(result))))

    assert [row["name"].removeprefix("encoder0.") for row in rows] == [
        "query",
        "softmax",
        "query.dX",
        "query.dG0",
        "query.G0.new",
    ]
    assert rows[3] == {
        "name": "encoder0.query.dG0",
        "layer": "encoder0",
        "phase": "weight_gradient",
        "kind": "contraction",
        "units": "tensor1",
        "start_ticks": "500",
        "finish_ticks": "900",
        "start_s": "5e-07",
        "finish_s": "9e-07",
        "duration_s": "4e-07",
        "waited_s": "5e-08",
        "uncontended_s": "3.5e-07",
        "tiles": "1",
        "macs": "2000",
        "dynamic_energy_j": "9e-11",  # 70 pJ of macs and 20 pJ of reads
        "config_hash": "0123456789abcdef0123",
    }


def test_an_operation_that_shares_units_names_them_all(result):
    first = next(csv.DictReader(StringIO(operations_csv(result))))

    assert first["units"] == "tensor0 tensor1"


@pytest.mark.parametrize("place", ["taken", "taken/below"])
def test_a_folder_that_is_a_file_is_refused(result, tmp_path, place):
    (tmp_path / "taken").write_text("mine")

    with pytest.raises(InputError, match=r"cannot write to '.*taken.*': it is, or lies in, a file"):
        write(result, tmp_path / place)

    assert (tmp_path / "taken").read_text() == "mine"


def test_a_folder_in_a_files_place_is_named(result, tmp_path):
    (tmp_path / "trace.json").mkdir()

    with pytest.raises(InputError, match=r"trace\.json': a folder of this name is in the way"):
        write(result, tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == ["trace.json"]


def test_a_full_disk_leaves_what_was_there(result, make_result, tmp_path, monkeypatch):
    write(result, tmp_path)
    write_bytes = Path.write_bytes

    def fill(path, content):
        if "timeline" in path.name:
            write_bytes(path, content[:10])
            raise OSError(28, "No space left on device", str(path))
        return write_bytes(path, content)

    monkeypatch.setattr(Path, "write_bytes", fill)
    with pytest.raises(InputError, match=r"timeline.*: No space left on device"):
        write(make_result(name="second"), tmp_path)

    assert json.loads((tmp_path / "result.json").read_text())["name"] == "tiny"
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(NAMES)


def test_a_figure_that_cannot_be_drawn_leaves_no_folder(result, tmp_path, monkeypatch):
    def fail(_):
        raise RuntimeError("no ink")

    monkeypatch.setattr("archsim.report.timeline.timeline", fail)
    with pytest.raises(RuntimeError, match="no ink"):
        write(result, tmp_path / "out")

    assert not (tmp_path / "out").exists()


def test_drawing_is_loaded_only_by_what_draws():
    command = (
        "import sys, archsim.report; "
        "print([name for name in ('matplotlib', 'pandas', 'numpy') if name in sys.modules])"
    )

    done = subprocess.run(  # noqa: S603 -- our own interpreter and words
        [sys.executable, "-c", command], capture_output=True, text=True, check=True
    )

    assert done.stdout == "[]\n"


def test_a_folder_that_is_or_can_be_made_is_found_writable_and_not_made(tmp_path):
    for folder in (tmp_path, tmp_path / "a" / "b"):
        check_writable(folder)

    assert list(tmp_path.iterdir()) == []


def test_a_folder_below_a_file_is_refused_before_anything_runs(tmp_path):
    (tmp_path / "file").touch()

    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(InputError, match="it is, or lies in, a file"):
            check_writable(folder)

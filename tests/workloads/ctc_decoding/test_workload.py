"""The workload: what a user writes, what it lowers to, and what machines make of it."""

import re
from pathlib import Path

import numpy as np
import pytest

import archsim
from archsim import config
from archsim.cli import main
from archsim.errors import ConfigError, InputError
from archsim.ir import WORKLOADS, Role, execute
from archsim.ir.findings import CurveChart, HasFindings, Table
from tests.workloads.ctc_decoding.oracles import random_log_probs
from workloads.ctc_decoding import PUBLISHED_BYTES, PUBLISHED_RATIOS, CtcDecoding
from workloads.ctc_decoding.synthetic import made_words

EXPERIMENTS = Path(__file__).parents[3] / "configs" / "experiments"
SMALL = {"workload.frames": 6, "workload.words": 60, "workload.beam_width": 8}
SPEECH = {"workload.hidden": 8, "workload.layers": 2, "workload.features": 21}


def decoded(workload):
    made = execute(workload.lower(), workload.inputs())
    labels = [tuple(int(n) for n in row if n >= 0) for row in made["labels"]]
    return list(zip(labels, made["log_probs.decoded"].tolist(), strict=True))


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"words": 40},
        {"words": 40, "blank": 28, "score_format": "int16", "acoustic": "none", "frames": 30},
        {"words": 40, "last_word": "complete", "acoustic": "none", "frames": 40, "seed": 3},
        {"acoustic": "scene_text", "features": 32, "alphabet": "abcdef", "words": 20},
    ],
)
def test_its_graph_finds_what_its_decode_finds(fields):
    workload = CtcDecoding(**fields)

    found = decoded(workload)

    assert [labels for labels, _ in found] == [labels for labels, _ in workload.decode.hypotheses]
    np.testing.assert_allclose(
        [p for _, p in found], [p for _, p in workload.decode.hypotheses], atol=1e-9
    )


@pytest.mark.parametrize("fields", [{}, {"words": 10}, {"score_format": "int32"}])
def test_no_frames_are_a_valid_empty_decode(fields):
    workload = CtcDecoding(acoustic="none", frames=0, **fields)

    assert decoded(workload) == [((), 0.0)]


def test_the_lexicon_is_a_table_of_as_many_bits_as_it_is_packed_in():
    workload = CtcDecoding(words=40)

    table = workload.lower().tensors["lexicon"]

    assert table.role is Role.TABLE
    assert table.size_bits == workload.packed.size_bits


def test_beams_differ_with_the_seed_and_not_without():
    one, again, other = (CtcDecoding(acoustic="none", seed=seed) for seed in (1, 1, 2))

    np.testing.assert_array_equal(one.spoken, again.spoken)
    assert not np.array_equal(one.spoken, other.spoken)


@pytest.mark.parametrize(
    ("experiment", "overrides"),
    [
        ("ctc_search", {"workload.layout": "packed_dawg"}),
        ("ctc_search", {"workload.layout": "pointer_trie", "workload.score_format": "fp32"}),
        ("ctc_deepspeech", SPEECH),
        ("ctc_scene_text", {"workload.channels": 4, "workload.hidden": 8}),
    ],
)
def test_both_engines_agree(experiment, overrides):
    fast, event = (
        archsim.run(
            EXPERIMENTS / f"{experiment}.yaml", overrides={**SMALL, **overrides}, engine=engine
        )
        for engine in ("fast", "event")
    )

    assert fast.trace == event.trace
    assert fast.energy_j == event.energy_j


def test_beams_lie_in_block_ram_and_selections_run_on_the_top_k_unit():
    result = archsim.run(EXPERIMENTS / "ctc_search.yaml", overrides=SMALL)

    units = {record.name: record.units for record in result.trace.operations}
    assert result.dram_bytes == 0
    assert units["frame5.top"] == ("topk",)
    assert units["frame5.keep"] == ("vector",)
    assert units["frame0.followers"] == ("lookup",)


def test_a_lexicon_that_block_ram_has_no_room_for_lies_further_away_and_is_slower():
    near, far = (
        archsim.run(
            EXPERIMENTS / "ctc_search.yaml",
            overrides={**SMALL, "architecture.placement.table": [memory]},
        )
        for memory in ("bram", "hbm")
    )

    assert far.latency_s > near.latency_s
    assert far.dram_bytes > 0


@pytest.fixture
def experiment(tmp_path):
    """Write an experiment with a decode's fields, and files beside it."""

    def write(**fields):
        said = {"acoustic": "none", **fields}
        lines = "".join(f"  {name}: {value}\n" for name, value in said.items())
        file = tmp_path / "x.yaml"
        file.write_text(
            f"workload:\n  kind: ctc_decoding\n{lines}"
            "architecture: ctc_decoder\nenergy: fpga_16nm\n"
        )
        return file

    return write


def test_log_probabilities_and_words_come_from_files(experiment, tmp_path):
    spoken = random_log_probs(0, 5, 4)
    np.save(tmp_path / "spoken.npy", spoken)
    (tmp_path / "words.txt").write_text("ab\nba\n")

    document = config.load(
        experiment(log_probs="spoken.npy", lexicon="words.txt", alphabet='"ab "')
    )
    workload = config.build_registered(WORKLOADS, document["workload"])

    np.testing.assert_array_equal(workload.spoken, spoken)
    assert workload.word_list == ("ab", "ba")
    assert len(workload.decode.frames) == 5
    assert archsim.lower(document.file).tensors["log_probs"].shape == (5, 4)


def test_an_array_of_several_is_named(tmp_path):
    np.savez(tmp_path / "two.npz", one=random_log_probs(0, 5, 4), other=random_log_probs(1, 6, 4))
    fields = {"log_probs": tmp_path / "two.npz", "alphabet": "abc", "acoustic": "none"}

    assert CtcDecoding(array="other", **fields).spoken.shape == (6, 4)
    with pytest.raises(InputError, match=r"^array: .*two\.npz has no array ''; known: one, other"):
        _ = CtcDecoding(**fields).spoken


def test_a_dictionary_with_names_is_put_in_plain_words(tmp_path):
    (tmp_path / "words").write_text("Ab\nab\nb\nAb's\ncafé\n", encoding="utf-8")
    fields = {"lexicon": tmp_path / "words", "alphabet": "ab ", "acoustic": "none"}

    assert CtcDecoding(plain_words=True, **fields).word_list == ("ab", "b")
    with pytest.raises(InputError, match=r"'A' in the word 'Ab' is not in the alphabet 'ab '"):
        CtcDecoding(**fields).lower()


GOOD = random_log_probs(0, 3, 4)
WITH_NAN = GOOD.copy()
WITH_NAN[1, 2] = np.nan


@pytest.mark.parametrize(
    ("fields", "files", "message"),
    [
        ({"beam_width": 0}, {}, r"beam_width: must be in \[1, 10000\], got 0"),
        ({"blank": 29}, {}, r"blank: must be in \[0, 28\], got 29"),
        ({"blank": -1}, {}, r"blank: must be in \[0, 28\], got -1"),
        ({"alphabet": "aba"}, {}, "alphabet: it lists 'a' twice"),
        ({"alphabet": '""'}, {}, "alphabet: it lists no symbol"),
        ({"layout": "packed_dwag"}, {}, r"layout: no layout 'packed_dwag'; .*packed_dawg"),
        ({"acoustic": "speach"}, {}, "acoustic: expected 'none', 'speech' or 'scene_text'"),
        ({"frames": -1}, {}, r"frames: must be in \[0, 20000\], got -1"),
        ({"score_format": "fp16"}, {}, "score_format: expected 'fp32', 'int8', 'int16' or 'int32'"),
        ({"score_integer_bits": 15, "score_format": "int16"}, {}, r"must be in \[1, 14\]"),
        ({"number_format": "fp17"}, {}, "number_format: no number format named 'fp17'"),
        ({"words": 5, "lexicon": "w"}, {"w": "a"}, "words: made-up words come in place"),
        ({"acoustic": "scene_text"}, {}, "features: an image of text has 32 rows, got 33"),
        ({"acoustic": "speech", "frames": 0}, {}, "frames: a speech model needs one at least"),
        ({"lexicon": "none.txt"}, {}, r"lexicon: no such file: .*none\.txt"),
        ({"lexicon": "w"}, {"w": "\n"}, "lexicon: it has no words"),
        ({"lexicon": "w"}, {"w": "ab\nnaïve\n"}, "'ï' in the word 'naïve' is not in the alphabet"),
        ({"log_probs": "none.npy"}, {}, r"log_probs: no such file: .*none\.npy"),
        ({"log_probs": "l.npy"}, {"l.npy": "text"}, r"l\.npy is no \.npy or \.npz file"),
        ({"log_probs": "l.npy"}, {"l.npy": GOOD}, "it lists 28 symbols, 29 with the blank, but"),
        (
            {"log_probs": "l.npy", "alphabet": "abc"},
            {"l.npy": GOOD + 0.5},
            r"l\.npy: log_probs: the probabilities of frame 0 sum to 1.64872, not to 1",
        ),
        (
            {"log_probs": "l.npy", "alphabet": "abc"},
            {"l.npy": WITH_NAN},
            r"l\.npy: log_probs: frame 1, symbol 2 is NaN",
        ),
    ],
)
def test_bad_input_is_told_in_one_message(
    experiment, tmp_path, capsys, monkeypatch, fields, files, message
):
    monkeypatch.setattr("sys.argv", ["archsim", "check", str(experiment(**fields))])
    for name, content in files.items():
        if isinstance(content, str):
            (tmp_path / name).write_text(content, encoding="utf-8")
        else:
            np.save(tmp_path / name, content)

    with pytest.raises(SystemExit) as ended:
        main()

    told = " ".join(capsys.readouterr().err.split())
    assert ended.value.code == 2
    assert re.search(message, told), told
    assert "Traceback" not in told


def test_a_network_too_small_to_be_fitted_says_what_is_needed():
    with pytest.raises(
        InputError, match=r"hidden: 4 numbers .* 12 given frames; raise hidden to 6$"
    ):
        CtcDecoding(hidden=2).inputs()


@pytest.fixture
def few_tries(monkeypatch):
    """Fixed point tried on few frames."""
    monkeypatch.setattr("workloads.ctc_decoding.workload.TRIED_FRAMES", 40)


@pytest.mark.usefixtures("few_tries")
def test_findings_stand_beside_what_was_published():
    workload = CtcDecoding(acoustic="none", frames=20, words=200, beam_width=4)

    assert isinstance(workload, HasFindings)
    sizes, beams, loss = workload.findings()

    assert isinstance(sizes, Table)
    assert isinstance(beams, Table)
    assert isinstance(loss, CurveChart)
    by_layout = {row[0]: row[3] for row in sizes.rows}
    assert by_layout["packed_dawg"] == workload.packed.size_bytes
    assert [row[3] for row in sizes.rows[-2:]] == list(PUBLISHED_BYTES)
    assert beams.rows[-1] == ("published, speech", "not stated", PUBLISHED_RATIOS["speech"])
    assert all(curve.y[-1] == pytest.approx(curve.y[-2], abs=5) for curve in loss.curves)


@pytest.mark.usefixtures("few_tries")
def test_findings_need_no_lexicon():
    beams, _ = CtcDecoding(acoustic="none", frames=4, beam_width=2).findings()

    assert beams.name == "beam_storage"


@pytest.mark.parametrize(("letters", "count"), [("ab", 300), ("abcdefghij", 1000)])
def test_made_words_are_different_in_order_and_of_the_given_letters(letters, count):
    words = made_words(letters, count, np.random.default_rng(0))

    assert len(set(words)) == count
    assert words == sorted(words)
    assert set("".join(words)) <= set(letters)


def test_a_word_that_no_configuration_knows_is_refused_with_its_line(experiment):
    with pytest.raises(ConfigError, match=r"x\.yaml:4: workload\.beams: unknown key"):
        archsim.lower(experiment(beams=3))

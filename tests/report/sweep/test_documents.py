"""The figures and the page of a sweep."""

import html
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from types import SimpleNamespace

import pytest
from matplotlib.figure import Figure
from rich.console import Console

from archsim.report.sweep import write_sweep
from archsim.report.sweep.figures import figures_of
from archsim.report.sweep.page import sweep_html
from archsim.report.sweep.progress import duration, in_words, sweep_progress
from archsim.report.sweep.study import SweepStudy

ALL = {"pareto", "sensitivity", "lines", "heat_map_latency", "heat_map_energy", "heat_map_edp"}


def words(figure):
    found = [text.get_text() for text in figure.texts]
    for axes in figure.axes:
        found += [axes.get_xlabel(), axes.get_ylabel(), axes.get_title(loc="left")]
        found += [text.get_text() for text in axes.texts]
    return " ".join([figure.get_suptitle(), *found]).replace("\n", " ")


def test_every_figure_says_what_it_shows(make):
    figures = figures_of(SweepStudy(make()))

    assert set(figures) == ALL
    assert all(isinstance(figure, Figure) for figure in figures.values())
    assert "The knee: rank 4, shape wide" in words(figures["pareto"])
    assert "latency [ms]" in words(figures["pareto"])
    assert "shape matters most" in words(figures["sensitivity"])
    assert "by a factor of 4.50" in words(figures["sensitivity"])
    assert "hatched: no feasible point" in words(figures["heat_map_latency"])
    assert "Least latency: rank 4, shape wide" in words(figures["heat_map_latency"])
    assert "Along rank, by shape" in words(figures["lines"])
    assert all("config hash 0123456789ab" in words(figure) for figure in figures.values())


@pytest.mark.parametrize(
    ("keep", "left"),
    [
        (lambda row: False, set()),
        (lambda row: row[3] == "false", set()),
        (lambda row: row[0] == 0, {"pareto"}),
        (lambda row: row[2] == "wide", {"pareto", "sensitivity", "lines"}),
    ],
)
def test_figures_that_have_nothing_to_show_are_left_out(make, keep, left):
    assert set(figures_of(SweepStudy(make(keep)))) == left


class Page(HTMLParser):
    """Collects what a page would load, and what it is told by its script."""

    def __init__(self, text):
        super().__init__()
        self.loads = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.loads += [value for key, value in attributes if key in ("src", "href")]


def test_the_page_holds_all_and_loads_nothing(make, tmp_path):
    sweep = make()

    write_sweep(sweep, tmp_path)

    text = (tmp_path / "sweep.html").read_text()
    assert all(link.startswith(("data:", "#")) for link in Page(text).loads)
    assert "default-src 'none'" in text
    assert "Made &lt;up&gt;" in text
    assert html.escape("no room <here>") in text
    found = re.search(r'id="sweep">(.*?)</script>', text, re.DOTALL)
    study = json.loads(found[1])
    assert len(study["points"]) == 5
    assert study["knee"] == 0
    assert study["axes"][1]["changes"][0] == {"architecture.a": 1, "energy": "it's"}
    assert {path.name for path in tmp_path.glob("*.png")} == {f"{name}.png" for name in ALL}
    assert (tmp_path / "front.csv").read_text().count("\n") == 1 + 3


@pytest.mark.parametrize("keep", [lambda row: False, lambda row: row[3] == "false"])
def test_a_page_without_points_is_a_page(make, keep):
    text = sweep_html(SweepStudy(make(keep)), {})

    assert "</html>" in text
    assert 'id="plot"' not in text


@pytest.mark.browser
def test_a_browser_draws_every_point_and_tells_the_configuration_of_the_knee(make, tmp_path):
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    if browser is None:
        pytest.skip("no Chromium here")
    write_sweep(make(), tmp_path)

    dom = subprocess.run(  # noqa: S603
        [browser, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom",
         (tmp_path / "sweep.html").as_uri()],
        capture_output=True, text=True, check=True, timeout=60,
    ).stdout  # fmt: skip

    plot = re.search(r'<div id="plot">.*?</svg>', dom, re.DOTALL)[0]
    assert len(re.findall(r"<circle[^>]*fill=", plot)) == 5
    assert "point 0, the knee" in dom
    command = html.unescape(re.search(r"<pre>(.*?)</pre>", dom, re.DOTALL)[1])
    assert command == (
        "archsim run some.yaml --set workload.batch=2 --set workload.rank=4 --set architecture.a=1 "
        "--set 'energy=it'\\''s'"
    )


def far(**changes):
    values = {"done": 30, "most": 120, "before": 10, "infeasible": 2, "best": "rank 4"}
    return SimpleNamespace(**{**values, **changes})


def test_progress_tells_rate_time_left_and_the_best():
    assert in_words(far(), 4.0) == (
        "30 of 120 points · 300 a minute · 18 s left · 2 infeasible · best so far rank 4"
    )
    assert in_words(far(done=10, infeasible=0, best=""), 4.0) == "10 of 120 points"
    assert "20 a second · 4 s left" in in_words(far(), 1.0)


def test_progress_is_quiet_where_nobody_looks(capsys):
    with sweep_progress() as told:
        assert told is None
    with sweep_progress(Console(force_terminal=True)) as told:
        told(far())

    assert "30 of 120" in capsys.readouterr().out


@pytest.mark.parametrize(("seconds", "said"), [(8, "8 s"), (600, "10 min"), (9000, "2.5 h")])
def test_times_are_said_as_people_do(seconds, said):
    assert duration(seconds) == said

"""The page of a comparison: by its elements, and by what a browser makes of it."""

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser

import pytest

from archsim.report.comparison.page import comparison_html
from archsim.report.comparison.table import comparison_frame
from archsim.report.comparison.words import answer
from archsim.report.quantities import ratio_text
from tests.report.comparison.comparisons import CASES, REASON, build_case, build_comparison, only
from tests.report.findings.shown import CURVES, TABLE

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="900" height="200"><rect/></svg>'
METRICS = ("edp", "latency", "energy")
RATIOS = [f"{name}_{metric}" for name in ("ratios", "groups") for metric in METRICS]
FIGURES = dict.fromkeys(
    (*RATIOS, "time_parts", "energy_parts", "phases", "roofline", "memory", "timelines"), SVG
)
SECTIONS = [
    "answer",
    "groups",
    "table",
    "time",
    "energy",
    "phases",
    "roofline",
    "limits",
    "memory",
    "timeline",
    "published",
    "failures",
    "again",
]


class Page(HTMLParser):
    """Elements of a page, the text of each, and the cells of its tables' shown rows."""

    VOID = ("meta", "input", "img")

    def __init__(self, text):
        super().__init__()
        self.open, self.elements, self.tables = [], [], {}
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        element = {"tag": tag, "text": "", **dict(attrs)}
        self.elements.append(element)
        if tag == "table":
            self.rows = self.tables[element.get("id")] = []
        if tag == "tr" and "hidden" not in element:
            self.rows.append([])
        if tag not in self.VOID:
            self.open.append(element)

    def handle_endtag(self, tag):
        element = self.open.pop()
        assert element["tag"] == tag
        if tag in ("td", "th") and not any("hidden" in above for above in (*self.open, element)):
            self.rows[-1].append(element["text"])

    def handle_data(self, data):
        for element in self.open:
            element["text"] += data

    def of(self, tag, **attributes):
        """Elements of a tag that have these attributes."""
        return [
            element
            for element in self.elements
            if element["tag"] == tag and attributes.items() <= element.items()
        ]


@pytest.fixture
def page():
    return Page(comparison_html(build_comparison(), FIGURES))


def test_sections_stand_in_order(page):
    assert [section["id"] for section in page.of("section")] == SECTIONS
    assert [link["href"] for link in page.of("a")] == [f"#{name}" for name in SECTIONS[1:]]
    (told,) = page.of("p", **{"class": "answer"})
    assert told["text"] == answer(build_comparison())


def test_figures_are_inside_and_absent_ones_left_out():
    page = Page(comparison_html(build_comparison(), {"phases": SVG}))

    (image,) = page.of("img")
    assert image["src"].startswith("data:image/svg+xml;base64,PHN2Zy")
    absent = {"groups", "time", "energy", "roofline", "memory", "timeline"}
    assert [section["id"] for section in page.of("section")] == [
        name for name in SECTIONS if name not in absent
    ]


def test_what_the_algorithm_shows_stands_after_what_the_machines_did():
    drawn = {f"findings_{finding.name}": SVG for finding in (CURVES, TABLE)}

    page = Page(comparison_html(build_comparison(), FIGURES | drawn, (CURVES, TABLE)))

    place = SECTIONS.index("published")
    wanted = [*SECTIONS[:place], "findings", *SECTIONS[place:]]
    assert [section["id"] for section in page.of("section")] == wanted
    assert [link["href"] for link in page.of("a")] == [f"#{name}" for name in wanted[1:]]
    (figure,) = page.of("figure", id="figure-findings_decay")
    assert figure["text"] == "The numbers are in findings_decay.csv."
    assert f"{CURVES.title}. {CURVES.caption}" in [image["alt"] for image in page.of("img")]
    assert page.tables["findings_ways"] == [
        ["way", "time [ns]", "why"],
        ["dense | all", "1,234,567", "every number"],
        ["sparse", "0.125", "few of them"],
    ]
    assert TABLE.title in [heading["text"] for heading in page.of("h3")]
    assert TABLE.caption in [words["text"] for words in page.of("p", **{"class": "note"})]


def test_the_table_has_the_values_of_the_frame(page):
    frame = comparison_frame(build_comparison())

    head, *rows = page.tables["runs"]

    assert head == [
        *("workload", "architecture", "EDP ×", "latency ×", "energy ×"),
        *("EDP", "latency", "energy", "power", "MACs of peak", "off-chip", "limited by"),
    ]
    assert [row[:2] for row in rows] == frame[["workload", "architecture"]].to_numpy().tolist()
    known = frame[frame["status"] == "simulated"]
    assert [row[2:5] for row in rows[:5]] == [
        [ratio_text(ratio).replace(" x", "×") for ratio in ratios]
        for ratios in known[["edp_x", "latency_x", "energy_x"]].to_numpy()
    ]
    assert rows[1][5:] == [
        *("400 µJ·s", "4.00 ms", "100 mJ", "25.0 W", "25 %", "4.00 KiB", "bandwidth")
    ]
    assert rows[5][:11] == ["vit", "ette", *["–"] * 9]
    assert rows[5][11].startswith("failed: MappingError: vit.mlp")


def test_the_script_has_the_values_of_the_frame(page):
    (data,) = page.of("script", type="application/json")

    values = json.loads(data["text"])

    assert values["metrics"] == ["edp", "latency", "energy"]
    assert values["axes"] == [["workload", "workload"], ["architecture", "architecture"]]
    frame = comparison_frame(build_comparison())
    assert values["rows"] == json.loads(frame.to_json(orient="records", double_precision=15))


def test_failures_claims_and_commands_are_told(page):
    assert page.tables["reasons"][1:] == [["vit on ette", REASON]]
    assert page.tables["claims"][1:] == [
        [
            "latency: fetta over tpu",
            "1.50 … 3.50×",
            "4.00× (2.00 … 8.00)",
            "above, 1.14 of it; the ranges meet",
            "recalled: a talk",
        ]
    ]
    assert page.tables["means"][2] == [
        *("fetta", "4.00× (2.00 … 8.00)", "8.00× (4.00 … 16.0)", "32.0× (8.00 … 128)", "2 of 2")
    ]
    assert page.tables["bounds"][1] == [
        *("bert on tpu", "bandwidth: dram", "2.00 ms", "4.00 ms", "1.00 ms", "8.00 ms", "50 %")
    ]
    assert [item["text"] for item in page.of("pre")] == [case.command for case in CASES]
    (assumed,) = page.of("li")
    assert assumed["text"] == "clocks are 1 GHz & all alike"


def test_nothing_is_loaded():
    text = comparison_html(build_comparison(), FIGURES)

    assert not re.search(r"https?:|@import|url\(|//[a-z]", re.sub(r"(?m)^\s*// .*$", "", text))
    for element in Page(text).elements:
        assert element.get("src", "data:").startswith("data:")
        assert element.get("href", "#").startswith("#")
        assert element["tag"] not in ("link", "iframe", "object")


@pytest.mark.parametrize("name", ["</script><script>alert(1)</script>", "<!--<script>", "\"'><b>"])
def test_names_are_text(name):
    cases = (
        *only("bert on tpu"),
        build_case("bert", name, (0.004, 0.1), name=name, command=name),
        build_case(name, name, error=name, name=name),
    )

    page = Page(comparison_html(build_comparison(cases=cases, title=name, question=name), FIGURES))

    assert len(page.of("script")) == 2
    assert page.of("b", **{"class": None}) == []
    assert page.tables["runs"][2][1] == name
    (data,) = page.of("script", type="application/json")
    assert json.loads(data["text"])["rows"][1]["name"] == name


@pytest.mark.parametrize("cases", [only("vit on ette"), only("bert on tpu"), CASES[1:3]])
def test_a_page_is_made_of_little(cases):
    comparison = build_comparison(cases=cases, published=(), assumptions=())

    page = Page(comparison_html(comparison, {}))

    assert len(page.tables["runs"]) == 1 + len(cases)
    assert answer(comparison) in [paragraph["text"] for paragraph in page.of("p")]


@pytest.fixture
def opened(tmp_path):
    """Open the page in a browser at an address, and return what its script made of it."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("no chromium on the PATH")
    path = tmp_path / "comparison.html"
    text = comparison_html(build_comparison(), FIGURES)

    def open_at(view, then=""):
        path.write_text(text.replace("</body>", f"<script>{then}</script></body>"), "utf-8")
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=3000"]
        run = subprocess.run(  # noqa: S603 - a program of this machine on a page of ours
            [
                chromium,
                *options,
                f"--user-data-dir={tmp_path}",
                "--dump-dom",
                f"{path.as_uri()}{view}",
            ],
            capture_output=True,
            timeout=120,
            check=True,
        )
        return Page(run.stdout.decode())

    return open_at


def order(page):
    """The runs shown, in order."""
    return [" on ".join(row[:2]) for row in page.tables["runs"][1:]]


def pictures(page):
    """The pictures of ratios that are shown."""
    return [
        figure["data-of"]
        for figure in page.of("figure")
        if "data-of" in figure and "hidden" not in figure
    ]


@pytest.mark.browser
def test_a_page_opens_with_all_runs_and_the_first_metric(opened):
    page = opened("")

    assert order(page) == [case.name for case in CASES]
    assert pictures(page) == ["edp", "edp"]
    assert page.tables["runs"][0][2:4] == ["EDP ×", "EDP"]
    assert page.of("output")[0]["text"] == "6 of 6 runs"


@pytest.mark.browser
def test_a_metric_changes_the_picture_and_the_ratios(opened):
    page = opened("#metric=energy")

    assert pictures(page) == ["energy", "energy"]
    assert page.tables["runs"][0][2:4] == ["energy ×", "EDP"]
    assert page.tables["runs"][2][2] == "4.00×"
    assert [b["data-metric"] for b in page.of("button", **{"aria-pressed": "true"})] == ["energy"]


@pytest.mark.browser
@pytest.mark.parametrize(
    ("sort", "direction", "machines"),
    [
        ("latency_s", "ascending", "fetta fetta tpu ette tpu ette"),
        ("-latency_s", "descending", "tpu ette tpu fetta fetta ette"),
    ],
)
def test_rows_are_sorted_and_the_unknown_comes_last(opened, sort, direction, machines):
    page = opened(f"#sort={sort}")

    assert [name.split()[-1] for name in order(page)] == machines.split()
    assert [head["data-column"] for head in page.of("th", **{"aria-sort": direction})] == [
        "latency_s"
    ]


@pytest.mark.browser
def test_rows_are_filtered_by_axis_and_text(opened):
    page = opened("#axis.architecture=fetta&q=vit&sort=edp_x")

    assert order(page) == ["vit on fetta"]
    assert page.of("output")[0]["text"] == "1 of 6 runs"


@pytest.mark.browser
@pytest.mark.parametrize("view", ["#table", "#metric=joy&sort=nothing&axis.architecture=none"])
def test_an_address_that_is_no_view_shows_all(opened, view):
    page = opened(view)

    assert order(page) == [case.name for case in CASES]
    assert pictures(page) == ["edp", "edp"]


@pytest.mark.browser
def test_clicks_change_the_view_and_the_address(opened):
    page = opened(
        "",
        then="""
        document.querySelector("button[data-metric=latency]").click();
        document.querySelector("th[data-column=latency_x] button").click();
        const select = document.querySelector("select[data-axis=workload]");
        select.value = "vit";
        select.dispatchEvent(new Event("change"));
        document.title = location.hash;
        """,
    )

    assert order(page) == ["vit on fetta", "vit on tpu", "vit on ette"]
    assert pictures(page) == ["latency", "latency"]
    (title,) = page.of("title")
    assert title["text"] == "#metric=latency&sort=-latency_x&axis.workload=vit"

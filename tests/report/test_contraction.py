"""Contraction orders in words and in drawings, by what they say and where it stands."""

import json
from itertools import combinations, pairwise

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.patches import FancyBboxPatch
from PIL import Image

from archsim.contraction import hierarchical_tucker, tensor_train
from archsim.contraction.study import ContractionStudy
from archsim.report.contraction import (
    command,
    contraction_json,
    contraction_text,
    expression,
    ratio_text,
    whole,
)
from archsim.report.contraction_figure import name_lines, short, tree_boxes, tree_figure
from archsim.report.contraction_files import write_contraction

CHAIN = ContractionStudy(equation="i j, j k, k l -> i l", sizes={"i": 8, "j": 16, "k": 4, "l": 2})


def layer(cores, batch, **options):
    """The forward pass of a linear layer whose weight has these cores."""
    modes = sorted(index for index in cores.sizes if index[0] in "io" and index[1:].isdigit())
    inputs = [["b", *(i for i in modes if i[0] == "i")], *cores.cores]
    output = ["b", *(o for o in modes if o[0] == "o")]
    equation = f"{', '.join(map(' '.join, inputs))} -> {' '.join(output)}"
    return ContractionStudy(equation=equation, sizes={**cores.sizes, "b": batch}, **options)


STUDIES = {
    "chain": CHAIN,
    "seven": layer(tensor_train([8, 8, 12], [12, 8, 8], [12] * 5), 32),
    "nine": layer(tensor_train([4, 4, 8, 6], [6, 8, 4, 4], [8] * 7), 128, objective="traffic"),
    "twelve": layer(hierarchical_tucker([8, 8, 12], [12, 8, 8], [9] * 10), 512, objective="peak"),
    "one": ContractionStudy(equation="i j -> i", sizes={"i": 3, "j": 4}),
    "scalar": ContractionStudy(equation="i j, j i ->", sizes={"i": 3, "j": 4}),
    "long names": ContractionStudy(
        equation="sample_of_the_batch i, i rank_of_the_bond, rank_of_the_bond o1 o2 o3 o4 o5 o6 o7 "
        "o8 o9 o10 o11 o12 o13 -> sample_of_the_batch o1 o2 o3 o4 o5 o6 o7 o8 o9 o10 o11 o12 o13",
        sizes={"sample_of_the_batch": 10**6, "i": 768, "rank_of_the_bond": 16}
        | {f"o{n}": 2 for n in range(1, 14)},
    ),
}
THIN, TOUCH = 1e-6, 0.01
"""Inches: the width of a branch, and how far it may reach into the box it comes from."""
drawn = pytest.mark.parametrize("name", STUDIES)


def test_the_text_says_the_best_tree_its_alternatives_and_where_they_lose():
    assert contraction_text(CHAIN, CHAIN.compare()) == (
        "i j, j k, k l -> i l\n"
        "best tree by MACs: 384 MACs, 32 elements at the peak, 280 elements moved\n"
        "  (i j, (j k, k l))\n"
        "\n"
        "tensor     elements  MACs of step  of all MACs\n"
        "i l              16           256         67 %\n"
        "├─ i j          128\n"
        "└─ j l           32           128         33 %\n"
        "   ├─ j k        64\n"
        "   └─ k l         8\n"
        "\n"
        "order                      MACs          peak          traffic\n"
        "best                        384  1.00 x    32  1.00 x      280  1.00 x\n"
        "left to right               576  1.50 x    32  1.00 x      280  1.00 x\n"
        "right to left (same tree)   384  1.00 x    32  1.00 x      280  1.00 x\n"
        "greedy                      576  1.50 x    32  1.00 x      280  1.00 x\n"
        "best for peak (same tree)   384  1.00 x    32  1.00 x      280  1.00 x\n"
        "best for traffic            576  1.50 x    32  1.00 x      280  1.00 x\n"
        "\n"
        "where they lose most MACs\n"
        "  left to right: i j, j k -> i k costs 512; the best has i j, j l -> i l for 256\n"
        "  greedy: i j, j k -> i k costs 512; the best has i j, j l -> i l for 256\n"
        "  best for traffic: i j, j k -> i k costs 512; the best has i j, j l -> i l for 256"
    )


def test_a_peak_is_shared_out_to_what_lies_between():
    study = STUDIES["twelve"]

    lines = contraction_text(study, study.compare()).splitlines()

    header = next(n for n, line in enumerate(lines) if line.startswith("tensor "))
    assert lines[header].endswith("of the peak")
    assert not lines[header + 1].endswith("%")  # the result is no intermediate
    assert any(line.endswith("100 %") for line in lines)


def test_nobody_loses_where_all_orders_cost_the_same():
    study = STUDIES["scalar"]

    text = contraction_text(study, study.compare())

    assert "\na number " in text
    assert "where they lose" not in text


def test_an_index_of_one_tensor_is_said_to_be_summed_before():
    study = STUDIES["one"]

    text = contraction_text(study, study.compare())

    assert "summed before any step, and not counted: j (of i j)" in text


def test_a_bond_of_length_1_leaves_nothing_to_sum():
    study = STUDIES["seven"]

    assert "r0=1" in command(study)
    assert "summed before" not in contraction_text(study, study.compare())


def test_an_outer_product_that_wins_is_pointed_out():
    study = ContractionStudy(equation="i, j, i j k -> k", sizes={"i": 2, "j": 2, "k": 1000})

    text = contraction_text(study, study.compare())

    assert "left to right: costs less, by an outer product; --outer-products" in text
    assert "left to right 4,004 0.67 x" in " ".join(text.split())


def test_an_outer_product_that_loses_is_called_one():
    study = ContractionStudy(equation="i j, k l, j k -> i l", sizes=dict.fromkeys("ijkl", 5))

    text = contraction_text(study, study.compare())

    # i j k l: 625, then 625, against 125 and 125
    assert "left to right: i j, k l -> i j k l (an outer product) costs 625; the best has" in text


@drawn
def test_the_expression_names_every_tensor_once(name):
    study = STUDIES[name]

    text = expression(study.compare().best.tree)

    terms = text.replace("(", "").replace(")", "").split(", ")
    assert sorted(terms) == sorted(study.equation.partition("->")[0].strip().split(", "))


def test_json_holds_every_order_with_its_steps_and_ratios():
    found = json.loads(json.dumps(contraction_json(CHAIN, CHAIN.compare()), allow_nan=False))

    assert found["best"]["expression"] == "(i j, (j k, k l))"
    assert found["best"]["macs"] == 384
    assert [step["operands"] for step in found["best"]["steps"]] == [[1, 2], [0, 3]]
    listed = found["alternatives"][0]
    assert (listed["order"], listed["macs"], listed["ratios"]["macs"]) == (
        "left_to_right",
        576,
        1.5,
    )
    assert listed["loses_most_at"]["step"]["made"] == ["i", "k"]
    assert listed["loses_most_at"]["best_has"]["macs"] == 256
    assert found["alternatives"][1]["loses_most_at"] is None
    assert found["alternatives"][1]["same_tree_as_best"]


def test_large_sizes_are_written_in_few_letters():
    study = ContractionStudy(
        equation="a b c, c d e, e f -> a f", sizes=dict.fromkeys("abcdef", 2**14)
    )

    lines = contraction_text(study, study.compare()).splitlines()

    # two steps of three indices each; b and d are summed before
    assert lines[1].startswith("best tree by MACs: 8.8e+12 MACs, 268,435,456 elements")
    assert max(map(len, lines)) <= 100


@pytest.mark.parametrize(
    ("write", "value", "text"),
    [
        (whole, 999_999_999_999, "999,999,999,999"),
        (whole, 10**12, "1e+12"),
        (short, 9_999, "9,999"),
        (short, 24_576, "24.6 k"),
        (short, 12_288_000_000, "12.3 G"),
        (short, 10**12, "1.00e+12"),
        (ratio_text, 1.0, "1.00 x"),
        (ratio_text, 0.037, "0.037 x"),
        (ratio_text, 21_504.2, "21,504 x"),
        (ratio_text, 3.5e9, "3.5e+09 x"),
    ],
)
def test_numbers_are_written_in_few_letters(write, value, text):
    assert write(value) == text


@pytest.mark.parametrize(
    ("indices", "lines"),
    [
        ((), ["a number"]),
        (("b", "i0", "i1", "r2"), ["b i0 i1 r2"]),
        (("b", "i0", "block", "r0", "o1", "o2"), ["b i0 block r0 o1", "o2"]),
        (tuple(f"o{n}" for n in range(20)), ["o0 o1 o2 o3 o4", "o5 o6 o7 o8 o9", "… o18 o19"]),
        (("sample_of_the_batch",), ["sample_o…e_batch"]),
    ],
)
def test_indices_take_at_most_three_lines_of_a_box(indices, lines):
    assert name_lines(indices).splitlines() == lines


def placed(figure):
    """Boxes of a drawing as (left, right, bottom, top) in inches."""
    boxes = [patch for patch in figure.axes[0].patches if isinstance(patch, FancyBboxPatch)]
    extents = [box.get_window_extent().transformed(figure.dpi_scale_trans.inverted()) for box in boxes]  # fmt: skip # noqa: E501
    return [(box.x0, box.x1, box.y0, box.y1) for box in extents]


def rendered(study):
    """A drawing, and its texts as (left, right, bottom, top) in inches."""
    figure = tree_figure(study, study.compare())
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    inches = figure.dpi_scale_trans.inverted()
    texts = [
        (text, text.get_window_extent(renderer).transformed(inches))
        for text in figure.axes[0].texts
    ]
    return figure, [(text, (box.x0, box.x1, box.y0, box.y1)) for text, box in texts]


def overlap(one, other):
    return one[0] < other[1] and other[0] < one[1] and one[2] < other[3] and other[2] < one[3]


@drawn
def test_nothing_in_a_drawing_overlaps(name):
    figure, texts = rendered(STUDIES[name])

    boxes = placed(figure)
    assert len(boxes) == 2 * len(STUDIES[name].network.inputs) - 1
    assert not any(overlap(*pair) for pair in combinations(boxes, 2))
    assert not any(overlap(*pair) for pair in combinations([place for _, place in texts], 2))


@drawn
def test_words_stand_inside_their_box_and_the_drawing(name):
    figure, texts = rendered(STUDIES[name])
    width, height = figure.get_size_inches()
    boxes = placed(figure)

    for text, (left, right, bottom, top) in texts:
        assert left >= 0
        assert right <= width
        assert bottom >= 0
        assert top <= height
        if text.get_ha() == "center":
            assert any(
                box[0] <= left and right <= box[1] and box[2] <= bottom and top <= box[3]
                for box in boxes
            ), text.get_text()


@drawn
def test_branches_cross_no_box(name):
    figure, _ = rendered(STUDIES[name])
    boxes = placed(figure)

    for line in figure.axes[0].lines:
        xs, ys = line.get_data()
        for part in pairwise(zip(xs, ys, strict=True)):
            (left, right), (low, high) = (sorted(ends) for ends in zip(*part, strict=True))
            inside = (left, right + THIN, low + TOUCH, high - TOUCH)
            if low == high:
                inside = (left, right, low, low + THIN)
            assert not any(overlap(inside, box) for box in boxes)


@drawn
def test_branches_join_a_box_to_those_it_is_made_from(name):
    figure, _ = rendered(STUDIES[name])
    middles = [((left + right) / 2, bottom, top) for left, right, bottom, top in placed(figure)]

    branches = [line.get_xydata() for line in figure.axes[0].lines]

    assert len(branches) == len(middles) - 1
    for branch in branches:
        assert tuple(branch[0]) in [pytest.approx((x, bottom)) for x, bottom, _ in middles]
    ends = sorted(tuple(branch[-1]) for branch in branches)
    tops = sorted((x, top) for x, _, top in middles)
    tops.remove(max(tops, key=lambda place: place[1]))
    assert ends == [pytest.approx(place) for place in tops]


def test_what_is_made_stands_midway_above_what_it_is_made_from():
    boxes = {box.name: (box.column, box.level) for box in tree_boxes(CHAIN.compare())}

    # i j in column 0, j k and k l in 1 and 2
    assert boxes == {"i l": (0.75, 0), "i j": (0, 1), "j l": (1.5, 1), "j k": (1, 2), "k l": (2, 2)}


def test_inputs_are_named_by_their_term_and_steps_say_what_they_cost():
    boxes = {box.name: box for box in tree_boxes(CHAIN.compare())}

    assert list(boxes) == ["i l", "i j", "j l", "j k", "k l"]
    assert boxes["i j"].facts == ("128 elements",)
    assert boxes["j l"].facts == ("32 elements", "128 MACs, 33 %")
    assert boxes["i l"].facts == ("16 elements", "256 MACs, 67 %")


def test_other_objectives_say_their_share_in_a_line_of_its_own():
    study = STUDIES["nine"]

    root = tree_boxes(study.compare())[0]

    assert root.facts == ("98.3 k elements", "786 k MACs", "46 % of traffic")


def test_the_costliest_step_is_the_darkest_box():
    study = STUDIES["seven"]
    comparison = study.compare()
    boxes = tree_boxes(comparison)
    patches = tree_figure(study, comparison).axes[0].patches
    light = [sum(patch.get_facecolor()[:3]) for patch in patches]

    steps = [(box.share, shade) for box, shade in zip(boxes, light, strict=True) if not box.is_input]  # fmt: skip # noqa: E501
    inputs = [shade for box, shade in zip(boxes, light, strict=True) if box.is_input]
    ranked = sorted(steps)
    assert [shade for _, shade in ranked] == sorted((shade for _, shade in steps), reverse=True)
    assert set(inputs) == {3.0}


def test_a_drawing_is_titled_with_the_cost_and_signed_with_its_command():
    words = [text.get_text() for text in tree_figure(CHAIN, CHAIN.compare()).axes[0].texts]

    assert words[0] == "Best tree by MACs: 384 MACs"
    assert words[1].startswith("i j, j k, k l -> i l\n(i j, (j k, k l))\n384 MACs, 32 elements")
    assert "other orders: left to right 1.50 x, greedy 1.50 x, best for traffic 1.50 x" in words[1]
    assert words[2] == command(CHAIN)
    assert command(CHAIN) == (
        "archsim contract 'i j, j k, k l -> i l' --size i=8 --size j=16 --size k=4 --size l=2 "
        "--objective macs"
    )


def test_files_hold_the_drawing_and_the_comparison(tmp_path):
    comparison = CHAIN.compare()

    written = write_contraction(CHAIN, comparison, tmp_path / "found")

    assert [path.name for path in written] == ["tree.png", "tree.json"]
    assert json.loads(written[1].read_text()) == contraction_json(CHAIN, comparison)
    with Image.open(written[0]) as image:
        assert image.text["Title"] == CHAIN.equation
        assert image.text["Description"] == f"(i j, (j k, k l)); {command(CHAIN)}"

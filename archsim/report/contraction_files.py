"""The folder that ``archsim contract --out`` makes."""

import json
from pathlib import Path

from archsim.contraction import ContractionStudy, OrderComparison
from archsim.report.contraction import contraction_json
from archsim.report.files import write_atomically


def write_contraction(
    study: ContractionStudy, comparison: OrderComparison, folder: Path
) -> list[Path]:
    """Write ``tree.json``, the comparison, and ``tree.png``, the best tree; both or none.

    Raises:
        InputError: if the folder cannot be written.
    """
    # Drawing takes longer to load than searching takes.
    from archsim.report.contraction_figure import tree_png  # noqa: PLC0415

    document = json.dumps(contraction_json(study, comparison), indent=2, allow_nan=False)
    return write_atomically(
        folder, {"tree.png": tree_png(study, comparison), "tree.json": f"{document}\n".encode()}
    )

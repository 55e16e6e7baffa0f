"""What a comparison keeps on disk until it is done."""

import os
from pathlib import Path


def keep(file: Path, content: bytes) -> None:
    """Write a file under a temporary name first, so that none is ever half there."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(f".{os.getpid()}.part")
    part.write_bytes(content)
    part.replace(file)

"""Where a finding comes from: what its figures say below what they draw."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Origin:
    """The hash of a configuration, and the command that makes the finding of it again."""

    config_hash: str
    command: str

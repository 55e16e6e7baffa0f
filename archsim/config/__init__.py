"""Files -> frozen values: the only package that sees ``"512 KiB"``.

``load`` reads a YAML file with its overrides and all it extends; ``build`` makes a frozen
dataclass of one of its sections. Every error names the file, the line and the value.
"""

from archsim.config.build import build, build_registered, json_schema
from archsim.config.document import Document, config_hash, load, parse_override
from archsim.config.fields import SpecField, fields_of
from archsim.config.files import FOLDERS, available, find, label_of
from archsim.config.node import Section

__all__ = [
    "FOLDERS",
    "Document",
    "Section",
    "SpecField",
    "available",
    "build",
    "build_registered",
    "config_hash",
    "fields_of",
    "find",
    "json_schema",
    "label_of",
    "load",
    "parse_override",
]

"""Applications, each lowered to an operation graph."""

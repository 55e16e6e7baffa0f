"""Hardware of multiply-accumulate units: generated, simulated and synthesised to gates.

A referee for the number formats and a price list for energy tables. The generators need
the ``rtl`` extra (Amaranth, Yosys); :mod:`archsim.rtl.posit_stages` is numpy alone.
"""

"""Matrix products that SCALE-Sim 3.0.0 ran, with the cycles and SRAM accesses it reported.

The first 30 of 180 runs: random sizes and arrays, stall-free (``CALC`` mode), each under
all three dataflows. Columns: dataflow, m, n, k, rows, columns, total cycles, reads of the
m x k input, reads of the k x n weights, writes of the m x n output.
"""

CASES = [
    ("output_stationary", 17, 66, 31, 8, 64, 605, 1054, 6138, 1554),
    ("weight_stationary", 17, 66, 31, 8, 64, 759, 1054, 2046, 4488),
    ("input_stationary", 17, 66, 31, 8, 64, 575, 527, 2046, 4488),
    ("output_stationary", 121, 98, 54, 32, 32, 1855, 26136, 21168, 12882),
    ("weight_stationary", 121, 98, 54, 32, 32, 1719, 26136, 5292, 23716),
    ("input_stationary", 121, 98, 54, 32, 32, 1535, 6534, 21168, 23716),
    ("output_stationary", 8, 100, 111, 4, 32, 1159, 3552, 22200, 1088),
    ("weight_stationary", 8, 100, 111, 4, 32, 5151, 3552, 11100, 22400),
    ("input_stationary", 8, 100, 111, 4, 32, 3863, 888, 11100, 22400),
    ("output_stationary", 115, 69, 59, 64, 4, 4499, 122130, 8142, 10383),
    ("weight_stationary", 115, 69, 59, 64, 4, 4409, 122130, 4071, 7935),
    ("input_stationary", 115, 69, 59, 64, 4, 5770, 6785, 118059, 7935),
    ("output_stationary", 82, 8, 6, 64, 4, 287, 984, 96, 928),
    ("weight_stationary", 82, 8, 6, 64, 4, 423, 984, 48, 656),
    ("input_stationary", 82, 8, 6, 64, 4, 2897, 492, 1008, 656),
    ("output_stationary", 3, 98, 56, 4, 64, 243, 336, 5488, 430),
    ("weight_stationary", 3, 98, 56, 4, 64, 2043, 336, 5488, 4116),
    ("input_stationary", 3, 98, 56, 4, 64, 2351, 168, 5488, 4116),
    ("output_stationary", 136, 57, 113, 32, 4, 11024, 230520, 32205, 10452),
    ("weight_stationary", 136, 57, 113, 32, 4, 12119, 230520, 6441, 31008),
    ("input_stationary", 136, 57, 113, 32, 4, 16727, 15368, 218994, 31008),
    ("output_stationary", 60, 89, 60, 32, 64, 615, 7200, 10680, 5724),
    ("weight_stationary", 60, 89, 60, 32, 64, 743, 7200, 5340, 10680),
    ("input_stationary", 60, 89, 60, 32, 64, 429, 3600, 5340, 10680),
    ("output_stationary", 75, 6, 107, 8, 32, 1449, 8025, 6420, 850),
    ("weight_stationary", 75, 6, 107, 8, 32, 1693, 8025, 642, 6300),
    ("input_stationary", 75, 6, 107, 8, 32, 2183, 8025, 1926, 6300),
    ("output_stationary", 48, 76, 31, 64, 4, 1842, 28272, 2356, 4940),
    ("weight_stationary", 48, 76, 31, 64, 4, 3381, 28272, 2356, 3648),
    ("input_stationary", 48, 76, 31, 64, 4, 2471, 1488, 28272, 3648),
]

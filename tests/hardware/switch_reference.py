"""A butterfly told again, word by word through its switches, and the fewest passes by trying.

Nothing here knows of wires shared or of colours: words move through switches, and a pass is
good if every word arrives where it is wanted.
"""

from functools import cache


def arrives(requests, ports):
    """Whether words that wait at inputs all reach their outputs in one pass.

    ``requests`` are pairs (input, output). A switch of the stage for ``bit`` joins the wires
    that differ in it, sends a word up or down by that bit of where it is going, to both sides
    if it must, and cannot send two words out on one side.
    """
    wires = {}
    for source, target in requests:
        wires.setdefault(source, set()).add(target)
    bit = ports >> 1
    while bit:
        after = {}
        for wire, targets in wires.items():
            for side in (0, bit):
                going = {target for target in targets if target & bit == side}
                if not going:
                    continue
                out = (wire & ~bit) | side
                if out in after:
                    return False
                after[out] = going
        wires, bit = after, bit >> 1
    return True


def fewest_passes(requests, ports):
    """The fewest sets, each of which arrives, that requests can be parted into."""
    requests = tuple(requests)
    everything = (1 << len(requests)) - 1

    @cache
    def good(subset):
        chosen = [request for number, request in enumerate(requests) if subset >> number & 1]
        return arrives(chosen, ports)

    def parted(left, passes):
        """Whether what is left can be parted into so many passes."""
        if not left:
            return True
        if not passes:
            return False
        first = left & -left
        rest = left ^ first
        subset = rest
        while True:  # every subset of the rest, together with the first
            if good(subset | first) and parted(rest & ~subset, passes - 1):
                return True
            if not subset:
                return False
            subset = (subset - 1) & rest

    return next(n for n in range(len(requests) + 1) if parted(everything, n))


def reversed_bits(bits):
    """The permutation that reverses so many bits."""
    return [int(format(x, f"0{bits}b")[::-1], 2) for x in range(1 << bits)]

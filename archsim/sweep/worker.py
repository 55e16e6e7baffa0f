"""A process that runs points for another: reads their numbers, writes what came out, line by line.

It is started as a program of its own, so that a sweep can be called from any script or notebook.
First comes the plan, so that all processes mean the same by a number.
"""

import json
import os
import pickle
import sys

from archsim.processes import collect_rarely, leave_interrupts_to_parent
from archsim.sweep.evaluate import Evaluator


def serve() -> None:
    """Answer requests on standard input until it ends."""
    collect_rarely()
    leave_interrupts_to_parent()
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what anything else prints is no answer
    evaluator = Evaluator(pickle.load(sys.stdin.buffer))  # noqa: S301 - from our own process
    for line in sys.stdin.buffer:
        before = evaluator.done.copy()
        for number in json.loads(line):
            outcome = evaluator.outcome(evaluator.plan.point(number))
            answers.write(json.dumps([number, outcome]) + "\n")
            answers.flush()
        answers.write(json.dumps([None, evaluator.done - before]) + "\n")
        answers.flush()


if __name__ == "__main__":
    serve()

"""Trains networks on digits in each format, and records their accuracies for the findings."""

from workloads.posit_training.accuracies import record

if __name__ == "__main__":
    record()

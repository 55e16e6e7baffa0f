"""The memory plan, grouping, the list scheduler."""

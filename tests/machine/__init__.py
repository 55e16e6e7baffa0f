"""The event engine, its oracles, and laws on random machines."""

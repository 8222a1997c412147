"""The parts behind tests/run. Standard library only."""

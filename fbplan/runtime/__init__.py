"""The chooser: which bucket takes the next write. Standard library only; imports nothing else of fbplan."""

"""fbplan: a declarative reconciler for Flashback multi-cloud storage."""

__version__ = "0.1.0"

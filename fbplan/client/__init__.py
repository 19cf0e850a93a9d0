"""The client of the management API: the only place that speaks HTTP."""

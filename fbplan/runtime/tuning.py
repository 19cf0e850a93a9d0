"""Numbers of the chooser that no policy sets. They are part of its behaviour: every language has the same."""

BREAKER_FAILURES = 2
"""In a row, after which a bucket rests."""
REST_MS, LONGEST_REST_MS = 5_000, 300_000
"""The first rest; it doubles with each further failure."""
TRIES = 2
"""On one bucket in one request, when the failure looks transient."""
JITTER_MS = (50, 100)
"""The shortest pause before the second try, and what chance adds at most."""
SUSPECTS, SUSPECTS_MS = 3, 60_000
TOKENS, TOKEN, TOKEN_OF_SUCCESS, TOKEN_OF_SECOND = 50_000, 1_000, 100, 1_000
"""Thousandths of a retry: the most there are, what one costs, what a success and what a second brings."""
LATENCY_MARGIN_PPM, LATENCY_SAMPLES = 200_000, 50
"""A challenger must be faster by this share, and both must be known by so many samples."""
POLL_MS = 60_000
"""When to ask again if nothing says when the next usage comes."""
SLOT_MS, SLOTS = 60_000, 64
"""What one process wrote is remembered by the minute, in so many slots; older ones are merged into the later."""
SNAPSHOTS = 4
"""Of so many usage snapshots the own bytes are remembered: a request keeps the pair that it began with."""

// Numbers of the chooser that no policy sets. They are part of its behaviour: every language has the same.

/** In a row, after which a bucket rests. */
const BREAKER_FAILURES = 2n;
/** The first rest; it doubles with each further failure. */
const REST_MS = 5_000n;
const LONGEST_REST_MS = 300_000n;
/** On one bucket in one request, when the failure looks transient. */
const TRIES = 2;
/** The shortest pause before the second try, and what chance adds at most. */
const JITTER_LEAST_MS = 50n;
const JITTER_MOST_MS = 100n;
const SUSPECTS = 3;
const SUSPECTS_MS = 60_000n;
/** Thousandths of a retry: the most there are, what one costs, what a success and what a second brings. */
const TOKENS = 50_000n;
const TOKEN = 1_000n;
const TOKEN_OF_SUCCESS = 100n;
const TOKEN_OF_SECOND = 1_000n;
/** A challenger must be faster by this share, and both must be known by so many samples. */
const LATENCY_MARGIN_PPM = 200_000n;
const LATENCY_SAMPLES = 50n;
/** When to ask again if nothing says when the next usage comes. */
const POLL_MS = 60_000n;
/** What one process wrote is remembered by the minute, in so many slots; older ones are merged into the later. */
const SLOT_MS = 60_000n;
const SLOTS = 64;
/** Of so many usage snapshots the own bytes are remembered: a request keeps the pair that it began with. */
const SNAPSHOTS = 4;

package fbroute

// Numbers of the chooser that no policy sets. They are part of its behaviour: every language has the same.
const (
	// breakerFailures in a row, after which a bucket rests.
	breakerFailures = 2
	// restMS is the first rest; it doubles with each further failure.
	restMS, longestRestMS = 5_000, 300_000
	// mostTries on one bucket in one request, when the failure looks transient.
	mostTries = 2
	// leastPauseMS before the second try, and what chance adds at most.
	leastPauseMS, jitterMS = 50, 100
	mostSuspects           = 3
	suspectsMS             = 60_000
	// Thousandths of a retry: the most there are, what one costs, what a success and what a second brings.
	mostTokens, oneToken, tokenOfSuccess, tokenOfSecond = 50_000, 1_000, 100, 1_000
	// A challenger must be faster by this share, and both must be known by so many samples.
	latencyMarginPPM, latencySamples = 200_000, 50
	// pollMS is when to ask again if nothing says when the next usage comes.
	pollMS = 60_000
	// What one process wrote is remembered by the minute, in so many slots; older ones are merged into the later.
	slotMS, mostSlots = 60_000, 64
	// mostSnapshots of which the own bytes are remembered: a request keeps the pair that it began with.
	mostSnapshots = 4
)

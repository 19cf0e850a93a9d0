package fbroute

const (
	policyFormat = "fbplan.routing/1"
	// written is the meter that writes drive. Closing writes stops neither storage nor egress, so caps on those only give
	// a hint.
	written = "ingress_bytes"
)

var meterNames = []string{written, "egress_bytes", "stored_bytes"}

type period struct {
	kind      string
	tz        string
	anchorDay int64
	graceMS   int64
}

// meter is one cap, in bytes. `limit` nil is explicitly unlimited.
type meter struct {
	name   string
	limit  *int64
	soft   int64
	hard   int64
	period period
}

type bucket struct {
	name string
	// address is the live name; what a writer passes depends on the repository's `address`.
	address   string
	bucketID  string
	container string
	state     string
	writers   int64
	folders   map[string]string
	meters    []meter
	// written are those of the meters that close the bucket for writes.
	written []meter
}

// repository has times in milliseconds.
type repository struct {
	name           string
	repoID         string
	protocol       string
	mode           string
	endpoint       string
	address        string
	skewMS         int64
	maxUploadMS    int64
	staleAfterMS   int64
	expiresAfterMS int64
	onExpired      string
	strategy       string
	reopenPPM      int64
	minClosedMS    int64
	rampMS         int64
	deadlineMS     int64
	perTryMS       int64
	maxHops        int64
	order          []string
	// keyIDs maps `write` and `read` to the access key id, where it is known.
	keyIDs map[string]string
	// attached is every bucket an object of this repository may be in: the order, then the others by name.
	attached []string
}

// policy is `fbplan.routing/1` with every default filled in. Nothing changes it once it is read.
type policy struct {
	generation   int64
	digest       string
	repositories map[string]*repository
	buckets      map[string]*bucket
}

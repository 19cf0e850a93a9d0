package fbroute

const usageFormat = "fbplan.usage/1"

// meterUse is the use of one meter in its period, and the bytes that the whole fleet may start before the bucket's
// expiry.
type meterUse struct {
	period   string
	used     int64
	soft     int64
	hard     int64
	resetsMS *int64
}

type bucketUse struct {
	quality   string
	meters    map[string]meterUse
	expiresMS int64
	// writers is the number that the poller had in mind; the larger of this and the policy's divides a grant.
	writers  int64
	node     string
	putP95US int64
	samples  int64
}

// usage is what was used and what may still be written: published by the poller at each poll. Nothing changes it once it
// is read.
type usage struct {
	policyGeneration int64
	seq              int64
	digest           string
	publishedMS      int64
	asOfMS           int64
	pollMS           int64
	buckets          map[string]*bucketUse
}

// readUsage is the usage in the bytes of a file.
func readUsage(raw []byte) (*usage, *Unusable) {
	document, fault := parseDocument(raw, usageFormat)
	if fault != nil {
		return nil, fault
	}
	document.digest("policy_digest")
	document.stated("max_lag_s", 0, maxInteger)
	document.integer("min_reader", 1, 1, maxInteger)
	found := &usage{
		policyGeneration: document.stated("policy_generation", 1, maxInteger),
		seq:              document.stated("seq", 1, maxInteger),
		digest:           document.digest("digest"),
		publishedMS:      document.time("published_at"),
		asOfMS:           document.time("as_of"),
		pollMS:           document.stated("poll_s", 1, maxInteger) * 1000,
		buckets:          map[string]*bucketUse{},
	}
	stated := document.names("buckets", true)
	for _, name := range sortedKeys(stated) {
		found.buckets[name] = readBucketUse(document.below("buckets."+name, stated[name]))
	}
	return found, *document.fault
}

func readBucketUse(entry *part) *bucketUse {
	if !entry.has("meters") {
		entry.wrong("meters", "missing")
	}
	stated := entry.part("meters")
	found := &bucketUse{
		quality: entry.word("quality", "", "ok", "partial", "stale", "unknown"),
		meters:  map[string]meterUse{},
	}
	for _, name := range meterNames {
		if stated.has(name) {
			found.meters[name] = readMeterUse(stated.part(name))
		}
	}
	found.expiresMS = entry.time("expires_at")
	found.writers = entry.integer("writers", 1, 0, maxInteger)
	found.node = entry.word("node", "UNKNOWN", "ONLINE", "OFFLINE", "DISCONNECTED", "UNKNOWN")
	found.putP95US = entry.integer("put_p95_us", 0, 0, maxInteger)
	found.samples = entry.integer("samples", 0, 0, maxInteger)
	return found
}

func readMeterUse(stated *part) meterUse {
	granted := map[string]int64{}
	stated.each("grants", func(grant *part) {
		grant.text("id")
		tier := grant.word("tier", "", "soft", "hard")
		if _, isSecond := granted[tier]; isSecond {
			grant.refuse(grant.at + ": a second grant of tier " + tier)
		}
		granted[tier] = grant.stated("bytes", 0, maxInteger)
	})
	found := meterUse{
		period: stated.text("period"),
		used:   stated.stated("used", 0, maxInteger),
		soft:   granted["soft"],
		hard:   granted["hard"],
	}
	if stated.has("resets_at") {
		found.resetsMS = known(stated.time("resets_at"))
	}
	return found
}

// missingMeter is a capped meter of the policy that the usage does not speak of, as `bucket.meter`; "" if there is none.
func missingMeter(held *policy, found *usage) string {
	for _, name := range sortedKeys(held.buckets) {
		use := found.buckets[name]
		for _, limited := range held.buckets[name].meters {
			if limited.limit == nil {
				continue
			}
			if use == nil {
				return name + "." + limited.name
			}
			if _, isThere := use.meters[limited.name]; !isThere {
				return name + "." + limited.name
			}
		}
	}
	return ""
}

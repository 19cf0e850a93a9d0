package fbroute

// readPolicy is the policy in the bytes of a file.
func readPolicy(raw []byte) (*policy, *Unusable) {
	document, fault := parseDocument(raw, policyFormat)
	if fault != nil {
		return nil, fault
	}
	document.stated("min_reader", 1, maxInteger)
	document.digest("spec_digest")
	document.digest("content_digest")
	found := &policy{repositories: map[string]*repository{}, buckets: map[string]*bucket{}}
	stated := document.names("buckets", true)
	for _, name := range sortedKeys(stated) {
		found.buckets[name] = readBucket(name, document.below("buckets."+name, stated[name]))
	}
	stated = document.names("repositories", true)
	for _, name := range sortedKeys(stated) {
		entry := document.below("repositories."+name, stated[name])
		found.repositories[name] = readRepository(name, entry, found.buckets)
	}
	found.generation = document.stated("generation", 1, maxInteger)
	found.digest = document.digest("digest")
	return found, *document.fault
}

func readBucket(name string, entry *part) *bucket {
	entry.word("storage_type", "", "S3", "GCS", "BLOB")
	entry.textOr("provider", "")
	entry.textOr("region", "")
	folders := map[string]string{}
	for repository, value := range entry.names("folders", false) {
		folder, isText := value.(string)
		if !isText {
			entry.wrong("folders", "not only text")
		}
		folders[repository] = folder
	}
	found := &bucket{name: name, folders: folders}
	entry.each("meters", func(stated *part) { found.meters = append(found.meters, readMeter(stated)) })
	for _, limited := range found.meters {
		if limited.name == written && limited.limit != nil {
			found.written = append(found.written, limited)
		}
	}
	found.address = entry.textOr("name", name)
	found.bucketID = entry.text("bucket_id")
	found.container = entry.text("container")
	found.state = entry.word("state", "active", "active", "drain", "closed")
	found.writers = entry.integer("writers", 1, 0, maxInteger)
	return found
}

func readMeter(stated *part) meter {
	span := stated.part("period")
	limit := stated.integerOrNone("limit")
	soft := stated.integer("soft_ppm", 800_000, 0, million)
	hard := stated.integer("hard_ppm", million, 0, million)
	reserve := stated.integer("reserve_ppm", 0, 0, million)
	if stated.held["pool"] != nil {
		stated.text("pool")
	}
	found := meter{limit: limit}
	if limit != nil {
		found.hard = scaled(*limit, max(0, hard-reserve), million)
		found.soft = min(scaled(*limit, soft, million), found.hard)
	}
	found.name = stated.word("meter", "", meterNames...)
	found.period = period{
		kind:      span.word("kind", "month", "month", "none"),
		tz:        span.textOr("tz", "UTC"),
		anchorDay: span.integer("anchor_day", 1, 1, 28),
		graceMS:   span.integer("rollover_grace_s", 7_200, 0, maxInteger) * 1000,
	}
	return found
}

func readRepository(name string, entry *part, buckets map[string]*bucket) *repository {
	fleet, valid, selected, retry := entry.part("fleet"), entry.part("valid"), entry.part("select"), entry.part("retry")
	hysteresis := selected.part("hysteresis")
	order := entry.nameList("order")
	isOrdered := map[string]bool{}
	for _, listed := range order {
		if isOrdered[listed] || buckets[listed] == nil {
			entry.wrong("order", "not buckets of the policy, each once")
		}
		isOrdered[listed] = true
	}
	keyIDs := readKeyIDs(entry.part("keys"))
	fleet.integer("size", 1, 1, maxInteger)
	fleet.integer("grant_ttl_s", 90, 0, maxInteger)
	attached := append([]string{}, order...)
	for _, other := range sortedKeys(buckets) {
		if _, isAttached := buckets[other].folders[name]; isAttached && !isOrdered[other] {
			attached = append(attached, other)
		}
	}
	// a number of seconds of up to 2^53, times 1000, is below 2^63
	return &repository{
		name:           name,
		repoID:         entry.text("repo_id"),
		protocol:       entry.word("protocol", "", "S3", "GCS", "BLOB"),
		mode:           entry.word("mode", "NORMAL", "NORMAL", "MIRROR"),
		endpoint:       entry.textOr("endpoint", ""),
		address:        entry.word("address", "name", "name", "container", "folder"),
		skewMS:         fleet.integer("skew_s", 2, 0, maxInteger) * 1000,
		maxUploadMS:    fleet.integer("max_upload_s", 300, 0, maxInteger) * 1000,
		staleAfterMS:   valid.integer("stale_after_s", 86_400, 0, maxInteger) * 1000,
		expiresAfterMS: valid.integer("expires_after_s", 604_800, 0, maxInteger) * 1000,
		onExpired:      valid.word("on_expired", "read_only", "read_only", "continue"),
		strategy:       selected.word("strategy", "ordered", "ordered", "latency"),
		reopenPPM:      hysteresis.integer("reopen_ppm", 950_000, 0, million),
		minClosedMS:    hysteresis.integer("min_closed_s", 300, 0, maxInteger) * 1000,
		rampMS:         hysteresis.integer("ramp_s", 120, 0, maxInteger) * 1000,
		deadlineMS:     retry.integer("deadline_ms", 15_000, 0, maxInteger),
		perTryMS:       retry.integer("per_try_ms", 5_000, 0, maxInteger),
		maxHops:        retry.integer("max_hops", 3, 0, maxInteger),
		order:          order,
		keyIDs:         keyIDs,
		attached:       attached,
	}
}

func readKeyIDs(keys *part) map[string]string {
	found := map[string]string{}
	for _, use := range []string{"write", "read"} {
		if !keys.has(use) {
			continue
		}
		key := keys.part(use)
		key.text("sink")
		if id := key.textOr("key_id", ""); id != "" {
			found[use] = id
		}
	}
	return found
}

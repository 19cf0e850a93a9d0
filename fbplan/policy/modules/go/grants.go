package fbroute

// Terms is what a poller assumes about the statistics and the writers of one bucket.
type Terms struct {
	PollMS, LagMS, TTLMS, SkewMS, UploadMS int64
}

// Rounds is the number of grants that may be out at the same time, the new one included.
func (t Terms) Rounds() int64 {
	span := t.LagMS + t.TTLMS + t.UploadMS + 2*t.SkewMS
	return -floorDiv(-span, t.PollMS) + 1
}

// Grant is bytes that all writers of a bucket together may start before the expiry.
type Grant struct {
	Tier      string
	Bytes     int64
	ExpiresMS int64
}

// GrantOf is the grant of one tier at one poll: an n-th of what is left of its cap, and never more than what is certainly
// left. Use stays below the cap if the statistics lag by no more, no more writers write, and uploads end in time.
func GrantOf(tier string, capBytes, used int64, earlier []Grant, nowMS, asOfMS int64, terms Terms) Grant {
	left := max(0, capBytes-used)
	certain := left
	for _, grant := range earlier {
		isSettled := grant.ExpiresMS+terms.SkewMS+terms.UploadMS <= asOfMS
		if grant.Tier == tier && !isSettled {
			certain -= grant.Bytes
		}
	}
	return Grant{tier, max(0, min(left/terms.Rounds(), certain)), nowMS + terms.TTLMS}
}

// isLive tells whether a writer may start bytes under a grant, by its own clock.
func isLive(nowMS, expiresMS, skewMS int64) bool {
	return nowMS < expiresMS-skewMS
}

// covers tells whether a writer's share has room for a write; one that is used up has none for an empty object either.
func covers(room, own, size int64) bool {
	return own < room && sum(own, size) <= room
}

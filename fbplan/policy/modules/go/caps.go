package fbroute

// standing is how a bucket stands with one cap, for a write of some size. Bytes; `room` is what this writer may start.
type standing struct {
	// tier is `open`, `last` or `closed`.
	tier string
	rule string
	// retryAtMS is when a bucket that this cap closes may open again.
	retryAtMS *int64
	used, own int64
	limit     *int64
	room      int64
	period    string
	// full are the tiers whose cap refuses such a write whoever makes it: there the hysteresis begins.
	full tiers
	// scant are the tiers of which a whole share is too small for the write, however far use is from their cap.
	scant tiers
}

type tiers struct {
	soft, hard bool
}

// standingOf is rule 2: the gravest of what the caps of a bucket say.
func standingOf(v *view, own *local, nowMS int64, name string, size int64) standing {
	found := standing{tier: "open", rule: "2.unlimited"}
	capped := v.bucket(name).written
	if !v.has("2.unlimited") && len(capped) == 0 {
		return standing{tier: "closed", rule: "2.unknown", retryAtMS: after(v, nowMS)}
	}
	for _, limited := range capped {
		found = cappedBy(v, own, nowMS, name, limited, size)
		if found.tier == "closed" {
			return found
		}
	}
	if found.tier == "open" && v.has("2.hint") && isHinted(v, name) {
		found.tier, found.rule = "last", "2.hint"
	}
	return found
}

func after(v *view, nowMS int64) *int64 {
	return known(v.nextPollMS(nowMS))
}

func isHinted(v *view, name string) bool {
	use := v.use(name)
	if use == nil {
		return false
	}
	for _, limited := range v.bucket(name).meters {
		found, isKnown := use.meters[limited.name]
		if limited.name != written && limited.limit != nil && isKnown && found.used >= limited.soft {
			return true
		}
	}
	return false
}

func cappedBy(v *view, own *local, nowMS int64, name string, limited meter, size int64) standing {
	use := v.use(name)
	var measured meterUse
	isKnown := use != nil && use.quality != "unknown"
	if isKnown {
		measured, isKnown = use.meters[limited.name]
	}
	if !isKnown {
		if v.simple && v.usage == nil && !v.expectsUsage {
			return countedAlone(v, own, nowMS, name, limited, size)
		}
		if v.has("2.unknown") {
			return standing{tier: "closed", rule: "2.unknown", retryAtMS: after(v, nowMS), limit: limited.limit}
		}
		return standing{tier: "open", rule: "2.open", limit: limited.limit}
	}
	if v.simple {
		return countedOn(v, own, nowMS, name, limited, size, measured)
	}
	found := standing{tier: "closed", retryAtMS: after(v, nowMS), used: measured.used, limit: limited.limit, period: measured.period}
	if !isLive(nowMS, use.expiresMS, v.repository.skewMS) && v.has("2.expired") {
		found.rule = "2.expired"
		return found
	}
	if v.isTooYoung(v.usage.publishedMS) {
		found.rule = "2.born"
		return found
	}
	if v.has("2.own") {
		found.own = own.started(v.seq())
	}
	writers := v.writers(name)
	soft, hard := measured.soft/writers, measured.hard/writers
	// even with nothing started, the share of this snapshot is too small
	found.full = fullOf(v, limited, measured.used, soft, hard, 0, size)
	found.scant = tiers{soft: !covers(soft, 0, size), hard: !covers(hard, 0, size)}
	if reset := resetMS(measured, limited); measured.used >= limited.hard && reset != nil {
		found.retryAtMS = reset
	}
	return found.tiered(v, soft, hard, size)
}

// countedOn is for one process on top of the statistics: what it started too late for them to know is added.
func countedOn(v *view, own *local, nowMS int64, name string, limited meter, size int64, use meterUse) standing {
	found := standing{retryAtMS: resetMS(use, limited), used: use.used, limit: limited.limit, period: use.period}
	late := sum(slotMS, v.repository.maxUploadMS)
	for _, slot := range own.slots {
		if slot.key+late > v.usage.asOfMS {
			found.own += slot.bytes
		}
	}
	if found.retryAtMS == nil {
		found.retryAtMS = after(v, nowMS)
	}
	return found.remaining(v, name, limited, size)
}

// countedAlone is for one process without statistics: what it started in the period is what was used.
func countedAlone(v *view, own *local, nowMS int64, name string, limited meter, size int64) standing {
	span := spanAt(limited.period, nowMS)
	found := standing{limit: limited.limit, period: span.key}
	if span.endsMS != nil {
		found.retryAtMS = known(*span.endsMS + limited.period.graceMS)
	}
	found.own = own.total(span.key)
	gracedMS, before := span.startsMS+limited.period.graceMS, own.total(keyBefore(span.key))
	if nowMS < gracedMS && before > 0 {
		// the store may still book to the period before, and then takes the new bytes on top of the old ones
		found.period, found.own, found.retryAtMS = keyBefore(span.key), sum(found.own, before), known(gracedMS)
	}
	return found.remaining(v, name, limited, size)
}

func (s standing) remaining(v *view, name string, limited meter, size int64) standing {
	writers := v.writers(name)
	if !v.has("2.own") {
		s.own = 0
	}
	soft, hard := max(0, limited.soft-s.used)/writers, max(0, limited.hard-s.used)/writers
	s.full = fullOf(v, limited, sum(s.used, scaled(s.own, writers, 1)), soft, hard, s.own, size)
	return s.tiered(v, soft, hard, size)
}

// fullOf are the tiers that are full: use is where a closed bucket stays closed, and the write does not fit.
func fullOf(v *view, limited meter, used, soft, hard, own, size int64) tiers {
	if used < reopenLevel(v, limited.soft) {
		return tiers{} // and so it is under that of the hard cap
	}
	return tiers{
		soft: !covers(soft, own, size),
		hard: used >= reopenLevel(v, limited.hard) && !covers(hard, own, size),
	}
}

// reopenLevel: under this use a bucket that a cap closed may open again, and above it a refusal closes it.
func reopenLevel(v *view, capBytes int64) int64 {
	return scaled(capBytes, v.repository.reopenPPM, million)
}

// tiered: a write under the soft grant counts against the hard one too, so it needs both.
func (s standing) tiered(v *view, soft, hard, size int64) standing {
	isSoft := covers(soft, s.own, size) || !v.has("2.open")
	isHard := covers(hard, s.own, size) || !v.has("2.closed")
	s.room = hard
	switch {
	case !isHard || (!isSoft && !v.has("2.last")):
		s.tier, s.rule = "closed", "2.closed"
	case isSoft:
		s.tier, s.rule, s.room = "open", "2.open", soft
	default:
		s.tier, s.rule = "last", "2.last"
	}
	return s
}

func resetMS(use meterUse, limited meter) *int64 {
	if use.resetsMS == nil {
		return nil
	}
	return known(*use.resetsMS + limited.period.graceMS)
}

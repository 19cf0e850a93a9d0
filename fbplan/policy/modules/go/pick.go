package fbroute

import (
	"slices"
	"sort"
)

// pick is rules 3 and 5; it writes what health says of the candidates into them.
func pick(v *view, s *state, nowMS int64, candidates []Candidate) (name, rule string) {
	var well, ill []Candidate
	for index := range candidates {
		candidate := &candidates[index]
		if candidate.Tier == "closed" {
			continue
		}
		own := s.local(candidate.Bucket)
		unhealthy, retryAtMS := unhealthyBy(v, own, nowMS, candidate.Bucket)
		if unhealthy == "" {
			well = append(well, *candidate)
			continue
		}
		if unhealthy != "3.throttle" && own.probedUntilMS <= nowMS {
			ill = append(ill, *candidate)
		}
		candidate.Tier, candidate.Rule, candidate.RetryAtMS = "closed", unhealthy, &retryAtMS
	}
	if len(well) > 0 {
		return first(v, s, well)
	}
	if len(ill) > 0 && v.has("3.probe") {
		name, _ = first(v, s, ill)
		return name, "3.probe"
	}
	return "", "6.readonly"
}

func unhealthyBy(v *view, own *local, nowMS int64, name string) (rule string, retryAtMS int64) {
	if until := max(own.restsUntilMS, own.probedUntilMS); nowMS < until && v.has("3.breaker") {
		return "3.breaker", until
	}
	if nowMS < own.waitsUntilMS && v.has("3.throttle") {
		return "3.throttle", own.waitsUntilMS
	}
	use := v.use(name)
	if use != nil && (use.node == "OFFLINE" || use.node == "DISCONNECTED") && v.has("3.node") {
		return "3.node", v.nextPollMS(nowMS)
	}
	return "", 0
}

// first is the best of those that may take the write; `open` stands in the order of the policy.
func first(v *view, s *state, open []Candidate) (name, rule string) {
	best := open
	if v.has("5.tier") {
		best = slices.DeleteFunc(slices.Clone(open), func(c Candidate) bool { return c.Tier != "open" })
	}
	if len(best) == 0 {
		best = open
	}
	names := make([]string, len(best))
	for index, candidate := range best {
		names[index] = candidate.Bucket
	}
	if !v.has("5.ordered") {
		sort.Sort(sort.Reverse(sort.StringSlice(names)))
	}
	if v.repository.strategy == "latency" && v.has("5.latency") {
		incumbent := names[0]
		if slices.Contains(names, s.incumbent) {
			incumbent = s.incumbent
		}
		return fastest(v, incumbent, names), "5.latency"
	}
	return names[0], "5.ordered"
}

func fastest(v *view, incumbent string, names []string) string {
	p95 := map[string]int64{}
	challenger := ""
	for _, name := range names {
		use := v.use(name)
		if use == nil || use.samples < latencySamples || use.putP95US == 0 {
			continue
		}
		p95[name] = use.putP95US
		if challenger == "" || p95[name] < p95[challenger] { // of equals the first in the order
			challenger = name
		}
	}
	if p95[incumbent] == 0 || p95[challenger] > scaled(p95[incumbent], million-latencyMarginPPM, million) {
		return incumbent
	}
	return challenger
}

package fbroute

import (
	"fmt"
	"strconv"
	"sync"
	"time"
)

// span is one period by the clock of this process. Only a process that counts for itself needs it.
type span struct {
	key      string
	startsMS int64
	// endsMS nil: it never ends.
	endsMS *int64
}

// spanAt is the period in which a time lies. Its key is the month in which it started, `2026-11`.
func spanAt(found period, nowMS int64) span {
	if found.kind == "none" {
		return span{key: "none"}
	}
	year, month, day := dateOf(floorDiv(nowMS+offsetMS(found.tz, nowMS), dayMS))
	if day < found.anchorDay {
		year, month = monthAfter(year, month, -1)
	}
	nextYear, nextMonth := monthAfter(year, month, 1)
	return span{
		key:      monthKey(year, month),
		startsMS: monthStartMS(found, year, month),
		endsMS:   known(monthStartMS(found, nextYear, nextMonth)),
	}
}

// keyBefore is the key of the period before.
func keyBefore(key string) string {
	if key == "none" {
		return key
	}
	year, _ := strconv.ParseInt(key[:4], 10, 64)
	month, _ := strconv.ParseInt(key[5:], 10, 64)
	return monthKey(monthAfter(year, month, -1))
}

func monthKey(year, month int64) string {
	return fmt.Sprintf("%04d-%02d", year, month)
}

func monthAfter(year, month, by int64) (int64, int64) {
	months := year*12 + month - 1 + by
	return floorDiv(months, 12), floorMod(months, 12) + 1
}

func monthStartMS(found period, year, month int64) int64 {
	local := dayNumber(year, month, found.anchorDay) * dayMS
	// twice, because the offset of the first guess may be that of the other side of a change of clocks
	guess := local - offsetMS(found.tz, local)
	return local - offsetMS(found.tz, guess)
}

// zones keeps what was loaded, by name; nil for a zone that this machine does not know.
var zones sync.Map

func offsetMS(tz string, atMS int64) int64 {
	if tz == "UTC" {
		return 0
	}
	zone, isKnown := zones.Load(tz)
	if !isKnown {
		zone = loadedZone(tz)
		zones.Store(tz, zone)
	}
	if zone := zone.(*time.Location); zone != nil {
		_, seconds := time.Unix(floorDiv(atMS, 1000), 0).In(zone).Zone()
		return int64(seconds) * 1000
	}
	return 0 // a machine without time zones: a period is at most 14 hours off
}

func loadedZone(tz string) *time.Location {
	zone, err := time.LoadLocation(tz)
	if err != nil || tz == "Local" { // that is what Go calls the zone of the machine
		return nil
	}
	return zone
}

package fbroute

import (
	"fmt"
	"regexp"
	"strconv"
)

const dayMS = 86_400_000

var (
	stampForm = regexp.MustCompile(`^([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,9}))?Z$`)
	monthDays = [...]int64{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}
)

// dayNumber is the number of days since 1970-01-01 of a date of the Gregorian calendar.
func dayNumber(year, month, day int64) int64 {
	shifted := month - 3
	if month <= 2 {
		year, shifted = year-1, month+9
	}
	era, ofEra := floorDiv(year, 400), floorMod(year, 400)
	ofYear := (153*shifted+2)/5 + day - 1
	return era*146_097 + ofEra*365 + ofEra/4 - ofEra/100 + ofYear - 719_468
}

// dateOf is the reverse of dayNumber.
func dateOf(number int64) (year, month, day int64) {
	era, ofEra := floorDiv(number+719_468, 146_097), floorMod(number+719_468, 146_097)
	year = (ofEra - ofEra/1_460 + ofEra/36_524 - ofEra/146_096) / 365
	ofYear := ofEra - (365*year + year/4 - year/100)
	shifted := (5*ofYear + 2) / 153
	day = ofYear - (153*shifted+2)/5 + 1
	year += era * 400
	if shifted < 10 {
		return year, shifted + 3, day
	}
	return year + 1, shifted - 9, day
}

// stampMS is the milliseconds of an RFC 3339 time in UTC (`…Z`), cut off below the millisecond.
func stampMS(text string) (int64, bool) {
	found := stampForm.FindStringSubmatch(text)
	if found == nil {
		return 0, false
	}
	var read [6]int64
	for index := range read {
		read[index], _ = strconv.ParseInt(found[index+1], 10, 64)
	}
	year, month, day, hour, minute, second := read[0], read[1], read[2], read[3], read[4], read[5]
	if month < 1 || month > 12 || hour > 23 || minute > 59 || second > 59 || year == 0 {
		return 0, false
	}
	days := monthDays[month-1]
	if month == 2 && year%4 == 0 && (year%100 != 0 || year%400 == 0) {
		days++
	}
	if day < 1 || day > days {
		return 0, false
	}
	fraction, _ := strconv.ParseInt((found[7] + "000")[:3], 10, 64)
	return dayNumber(year, month, day)*dayMS + ((hour*60+minute)*60+second)*1000 + fraction, true
}

// stampOf is RFC 3339 in UTC; milliseconds only where there are any.
func stampOf(ms int64) string {
	year, month, day := dateOf(floorDiv(ms, dayMS))
	rest := floorMod(ms, dayMS)
	seconds, fraction := rest/1000, rest%1000
	text := fmt.Sprintf("%04d-%02d-%02dT%02d:%02d:%02d", year, month, day, seconds/3600, seconds/60%60, seconds%60)
	if fraction > 0 {
		text += fmt.Sprintf(".%03d", fraction)
	}
	return text + "Z"
}

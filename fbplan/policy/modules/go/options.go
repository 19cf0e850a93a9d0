package fbroute

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"time"
)

// Options are how a router is set up; left empty they are right for a service of one process.
type Options struct {
	// Usage is the path of usage.json; without it this process counts its own bytes.
	Usage string
	// Repository is needed when the policy has several.
	Repository string
	// Writer is a name of this writer that no other has; "" makes one up.
	Writer string
	// CountsItself: count own bytes on top of the usage file, instead of living on grants. Without a usage file that is so.
	CountsItself bool
	// LastGood is a folder of this process, where good files are kept for the next start.
	LastGood string
	// CautiousStart: wait for the next grants after a start, because the process before it may have used its share of the
	// present ones. Without it, a restart counts as one more writer.
	CautiousStart bool
	// SpoolLimit is the bytes of a body that cannot seek which are held in memory; 0 means 8 MiB.
	SpoolLimit int64
	// Alarm and OnRecord are called as things happen, by whatever goroutine is at it.
	Alarm    func(name string, told map[string]string)
	OnRecord func(Record)
	// ClockMS, Sleep and Dice are for tests.
	ClockMS func() int64
	Sleep   func(ctx context.Context, pause time.Duration) error
	Dice    func() int64
}

func (o Options) complete() Options {
	if o.SpoolLimit == 0 {
		o.SpoolLimit = 8 << 20
	}
	if o.Alarm == nil {
		o.Alarm = func(string, map[string]string) {}
	}
	if o.OnRecord == nil {
		o.OnRecord = func(Record) {}
	}
	if o.ClockMS == nil {
		o.ClockMS = func() int64 { return time.Now().UnixMilli() }
	}
	if o.Sleep == nil {
		o.Sleep = sleep
	}
	if o.Dice == nil {
		o.Dice = func() int64 { return int64(binary.BigEndian.Uint32(chance(4))) }
	}
	if o.Writer == "" {
		o.Writer = hex.EncodeToString(chance(8))
	}
	return o
}

func chance(length int) []byte {
	made := make([]byte, length)
	if _, err := rand.Read(made); err != nil {
		panic(err) // no machine that can do TLS is without
	}
	return made
}

func sleep(ctx context.Context, pause time.Duration) error {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

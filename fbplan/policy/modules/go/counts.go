package fbroute

import "sync"

// counts are outcomes, classes of answers, alarms, and what became of the files.
type counts struct {
	lock sync.Mutex
	held map[string]int64
}

func (c *counts) add(name string) {
	c.lock.Lock()
	defer c.lock.Unlock()
	c.held[name]++
}

func (c *counts) copied() map[string]int64 {
	c.lock.Lock()
	defer c.lock.Unlock()
	made := make(map[string]int64, len(c.held))
	for name, count := range c.held {
		made[name] = count
	}
	return made
}

package fbroute

import (
	"fmt"
	"unicode/utf8"
)

// target is a key, and where it may be.
type target struct {
	key        string
	places     []Place
	timeoutMS  int64
	isReferred bool
}

// target of a reference is its bucket, and the mirrors of that if there are any; of a key, every attached bucket.
func (r *Router) target(where string) (target, error) {
	if err := checkKey(where); err != nil {
		return target{}, err
	}
	v, noPolicy := r.view()
	if !isReference(where) {
		if noPolicy != nil {
			return target{}, noPolicy
		}
		return target{key: where, places: placesOf(v), timeoutMS: v.repository.perTryMS}, nil
	}
	reference, err := ParseReference(where)
	if err != nil {
		return target{}, err
	}
	first := Place{Repository: reference.Repository, Bucket: reference.Bucket, Address: reference.Bucket}
	made := target{reference.Key, []Place{first}, readTimeoutMS, true}
	if noPolicy != nil {
		return made, nil // reading needs no policy when the bucket is known
	}
	if reference.Repository != v.repository.name {
		return target{}, fmt.Errorf("the reference is of repository '%s', not '%s'", reference.Repository, v.repository.name)
	}
	made.timeoutMS = v.repository.perTryMS
	for _, place := range placesOf(v) {
		if place.Bucket == reference.Bucket {
			made.places[0] = place
		} else if v.repository.mode == "MIRROR" {
			made.places = append(made.places, place)
		}
	}
	return made, nil
}

// checkKey is ErrNotAKey for text that no object can be called by. A request for an empty key would be one for the bucket,
// and its listing would come back as the object.
func checkKey(key string) error {
	if key == "" {
		return fmt.Errorf("%w: it is empty; name an object; Router.List tells the keys that are there", ErrNotAKey)
	}
	if !utf8.ValidString(key) {
		return fmt.Errorf("%.80q: %w: it is not UTF-8", key, ErrNotAKey)
	}
	return nil
}

func placesOf(v *view) []Place {
	made := make([]Place, len(v.repository.attached))
	for index, name := range v.repository.attached {
		made[index] = placeOf(v.policy, v.repository, name)
	}
	return made
}

// A key that no bucket held is not asked for again for a moment.

func (r *Router) isAbsent(key string) bool {
	r.lock.Lock()
	defer r.lock.Unlock()
	return r.absent[key] > r.options.ClockMS()
}

func (r *Router) noteAbsent(key string) {
	r.lock.Lock()
	defer r.lock.Unlock()
	if len(r.absent) >= negatives {
		clear(r.absent)
	}
	r.absent[key] = r.options.ClockMS() + negativeMS
}

func (r *Router) forgetAbsent(key string) {
	r.lock.Lock()
	defer r.lock.Unlock()
	delete(r.absent, key)
}

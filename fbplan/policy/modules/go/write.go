package fbroute

import (
	"context"
	"strings"
)

// write is a put on its way: it does what the flight asks for, and tells it what came of it.
type write struct {
	router  *Router
	key     string
	body    body
	options PutOptions
	seq     string
	flight  *flight
}

// run goes from the first action to the last. An error is that of the caller's context or body: then nobody knows how
// the write ended, and nothing is held against the bucket.
func (w *write) run(ctx context.Context) (Stored, error) {
	var stored Stored
	for !w.flight.action.isEnd() {
		var err error
		switch next := w.flight.action; next.does {
		case "try":
			stored, err = w.try(ctx, next)
		case "head":
			stored, err = w.look(ctx, next)
		case "reload":
			// if that fails, the next try says so
			_ = w.router.transport.Reload(ctx)
			err = w.proceed(ctx)
		default:
			if err = w.router.options.Sleep(ctx, milliseconds(next.ms)); err == nil {
				err = w.proceed(ctx)
			}
		}
		if err != nil {
			return Stored{}, err
		}
	}
	return stored, nil
}

func (w *write) step(call func(s *state, nowMS int64)) {
	w.router.lock.Lock()
	defer w.router.lock.Unlock()
	call(w.router.state, w.router.options.ClockMS())
}

func (w *write) proceed(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	w.step(w.flight.proceed)
	return nil
}

func (w *write) place(name string) Place {
	return placeOf(w.flight.view.policy, w.flight.view.repository, name)
}

func (w *write) try(ctx context.Context, next action) (Stored, error) {
	content, err := w.body.open()
	if err != nil {
		return Stored{}, err
	}
	upload := Upload{
		Body:        content,
		Size:        w.body.size,
		Metadata:    map[string]string{"fbseq": w.seq},
		SHA256:      w.body.sha256,
		WriteOnce:   !w.options.Overwrite,
		ContentType: w.options.ContentType,
	}
	if w.body.sha256 != "" {
		upload.Metadata["fbsha256"] = w.body.sha256
	}
	stored, err := w.router.transport.Put(ctx, w.place(next.bucket), w.key, upload, milliseconds(next.ms))
	if w.body.isRepeatable {
		content.end()
	}
	if cancelled := ctx.Err(); err != nil && cancelled != nil {
		return Stored{}, cancelled
	}
	came := answer{status: 200, wasSent: true}
	if err != nil {
		failure := failureOf(err)
		code := strings.ToValidUTF8(failure.Code, "�")
		came = answer{failure.Status, code, failure.RetryAfterMS, !failure.IsUnsent, w.router.options.Dice()}
	}
	w.step(func(s *state, nowMS int64) { w.flight.told(s, nowMS, came) })
	return stored, nil
}

func (w *write) look(ctx context.Context, next action) (Stored, error) {
	head, err := w.router.transport.Head(ctx, w.place(next.bucket), w.key, milliseconds(next.ms))
	if cancelled := ctx.Err(); err != nil && cancelled != nil {
		return Stored{}, cancelled
	}
	found := w.compared(head, err)
	w.step(func(s *state, nowMS int64) { w.flight.settled(s, nowMS, found) })
	if head == nil {
		return Stored{}, nil
	}
	return Stored{head.ETag}, nil
}

// compared is what a HEAD says of a write whose outcome is not known.
func (w *write) compared(head *Head, err error) string {
	if err != nil && !isAbsent(err) {
		return "unknown"
	}
	if err != nil || head == nil {
		return "absent"
	}
	// what an overwrite finds there is what stood there before
	other := "different"
	if w.options.Overwrite {
		other = "absent"
	}
	isEqual := false
	switch sha256 := head.Metadata["fbsha256"]; {
	case head.Size != w.body.size:
	case head.Metadata["fbseq"] == w.seq:
		isEqual = true
	case sha256 != "" && w.body.sha256 != "":
		isEqual = sha256 == w.body.sha256
	default: // a store that drops metadata may still name the MD5
		isEqual = w.body.md5 != "" && strings.Trim(head.ETag, `"`) == w.body.md5
	}
	if isEqual {
		return "equal"
	}
	return other
}

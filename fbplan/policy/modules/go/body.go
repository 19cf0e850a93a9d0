package fbroute

import (
	"bytes"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"sync"
)

// body is what is to be written, in a form that can be sent again, or that says that it cannot.
type body struct {
	// content is a *bytes.Reader of its own for each try, or the caller's reader.
	content io.Reader
	start   int64
	size    int64
	// isRepeatable: content is an io.ReadSeeker.
	isRepeatable bool
	// sha256 "" and md5 "": not known before the body is sent.
	sha256, md5 string
}

// bodyOf reads a body that can seek once, for its digests. One that cannot is held in memory up to `spoolLimit` bytes; a
// longer one is sent at most once, and its size must be given, because bytes are counted before they are sent.
func bodyOf(content io.Reader, size *int64, spoolLimit int64) (body, error) {
	if content == nil {
		content = bytes.NewReader(nil)
	}
	if seeker, canSeek := content.(io.ReadSeeker); canSeek {
		if start, err := seeker.Seek(0, io.SeekCurrent); err == nil { // a pipe is an *os.File too, but does not seek
			return repeatable(seeker, start, size)
		}
	}
	begun, err := io.ReadAll(io.LimitReader(content, spoolLimit+1))
	if err != nil {
		return body{}, fmt.Errorf("reading the body: %w", err)
	}
	if int64(len(begun)) <= spoolLimit {
		return repeatable(bytes.NewReader(begun), 0, size)
	}
	if size == nil {
		return body{}, fmt.Errorf("a stream of more than %d bytes that cannot seek needs its size", spoolLimit)
	}
	return body{content: io.MultiReader(bytes.NewReader(begun), content), size: *size}, nil
}

func repeatable(content io.ReadSeeker, start int64, size *int64) (body, error) {
	hashes := []hash.Hash{sha256.New(), md5.New()}
	length, err := io.Copy(io.MultiWriter(hashes[0], hashes[1]), content)
	if err != nil {
		return body{}, fmt.Errorf("reading the body: %w", err)
	}
	if size != nil && *size != length {
		return body{}, fmt.Errorf("the size is given as %d, but the body has %d bytes", *size, length)
	}
	found := body{content: content, start: start, size: length, isRepeatable: true}
	found.sha256, found.md5 = hex.EncodeToString(hashes[0].Sum(nil)), hex.EncodeToString(hashes[1].Sum(nil))
	return found, nil
}

// open is the content at its beginning, for one try.
func (b body) open() (*sending, error) {
	if b.isRepeatable {
		if _, err := b.content.(io.Seeker).Seek(b.start, io.SeekStart); err != nil {
			return nil, fmt.Errorf("rewinding the body: %w", err)
		}
	}
	return &sending{from: b.content}, nil
}

var errTaken = errors.New("this try is over")

// sending is the body of one try. net/http may go on reading a body after it has answered; once the try is over it
// reads nothing more, so that the next try has the content for itself.
type sending struct {
	lock   sync.Mutex
	from   io.Reader
	isOver bool
}

func (s *sending) Read(into []byte) (int, error) {
	s.lock.Lock()
	defer s.lock.Unlock()
	if s.isOver {
		return 0, errTaken
	}
	return s.from.Read(into)
}

func (s *sending) end() {
	s.lock.Lock()
	defer s.lock.Unlock()
	s.isOver = true
}

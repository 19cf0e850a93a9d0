package fbroute

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

const hourMS = 3_600_000

// watched is one path: the mark of what was last looked at there, and whether that was taken.
type watched struct {
	path string
	// kept is where what was good is remembered for the next start; "" nowhere.
	kept     string
	mark     os.FileInfo
	wasTaken bool
	keptMS   int64
}

// changed is the content if it is not what was looked at before, else nil.
func (w *watched) changed() ([]byte, error) {
	mark, err := markOf(w.path)
	if err != nil {
		return nil, err
	}
	if w.mark != nil && isSame(w.mark, mark) {
		return nil, nil
	}
	w.wasTaken, w.mark = false, nil
	raw, err := contentOf(w.path)
	if err != nil {
		return nil, err
	}
	// else it was replaced meanwhile, and is read again next time
	if again, err := markOf(w.path); err == nil && isSame(mark, again) {
		w.mark = mark
	}
	return raw, nil
}

// markOf follows links, so that a switched link is a change.
func markOf(path string) (os.FileInfo, error) {
	found, err := os.Stat(path)
	if err == nil && !found.Mode().IsRegular() {
		return nil, &Unusable{"unreadable", "it is not a regular file"}
	}
	return found, err
}

func isSame(a, b os.FileInfo) bool {
	return os.SameFile(a, b) && a.ModTime().Equal(b.ModTime()) && a.Size() == b.Size()
}

func contentOf(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, largestFile+1))
}

// confirm: the content still stands, so what is kept is as young as that, to the hour.
func (w *watched) confirm(atMS int64) {
	if w.kept == "" || (w.keptMS != 0 && atMS-w.keptMS < hourMS) {
		return
	}
	at := time.UnixMilli(atMS)
	if os.Chtimes(w.kept, at, at) == nil {
		w.keptMS = atMS
	}
}

// keep remembers the content on disk, for a start at which the file is gone or damaged.
func (w *watched) keep(raw []byte, atMS int64) error {
	if w.kept == "" {
		return nil
	}
	folder, name := filepath.Split(w.kept)
	if err := os.MkdirAll(folder, 0o777); err != nil {
		return err
	}
	temporary, err := os.CreateTemp(folder, fmt.Sprintf(".%s.*.fbplan-tmp", name))
	if err != nil {
		return err
	}
	defer os.Remove(temporary.Name()) // it is gone when all went well
	_, err = temporary.Write(raw)
	if err == nil {
		err = temporary.Sync()
	}
	if closed := temporary.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(temporary.Name(), w.kept)
	}
	if err == nil {
		w.keptMS = 0
		w.confirm(atMS)
	}
	return err
}

// A service that keeps notes: PUT /NAME stores one and answers with its reference, GET /REFERENCE reads it.
//
//	go/service PORT, in the folder of routing-policy.json
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"notes/fbroute"
)

// credentials is asked at the start, and again when the key is refused: so a rotation is followed.
func credentials() (fbroute.Credentials, error) {
	text, err := os.ReadFile("secrets/notes-writer.env")
	found := map[string]string{}
	for _, line := range strings.Split(string(text), "\n") {
		name, value, _ := strings.Cut(line, "=")
		found[name] = strings.Trim(value, `'"`)
	}
	return fbroute.NewCredentials(found["FB_KEY_ID"], found["FB_KEY_SECRET"]), err
}

// moves tells on stderr when writes go to another bucket, and why.
func moves() func(fbroute.Record) {
	var lock sync.Mutex
	var bucket string
	return func(record fbroute.Record) {
		lock.Lock()
		defer lock.Unlock()
		if record.Outcome != "stored" || record.Bucket == bucket {
			return
		}
		if bucket != "" {
			fmt.Fprintf(os.Stderr, "moved from %s to %s:\n%s", bucket, record.Bucket, record.Why())
		}
		bucket = record.Bucket
	}
}

type notes struct{ router *fbroute.Router }

// ServeHTTP takes paths as they come, because a reference consists of what a path may hold.
func (n notes) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.EscapedPath(), "/")
	var err error
	switch {
	case path == "":
		http.Error(w, "which note?", http.StatusBadRequest)
	case r.Method == http.MethodPut:
		err = n.put(w, r, path)
	default:
		err = n.get(w, r, path)
	}
	if err != nil {
		refuse(w, err)
	}
}

func (n notes) put(w http.ResponseWriter, r *http.Request, name string) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err // the caller went away in the middle: nothing is stored
	}
	placed, err := n.router.Put(r.Context(), name, bytes.NewReader(body), fbroute.PutOptions{})
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusCreated)
	fmt.Fprintln(w, placed.Reference)
	return nil
}

func (n notes) get(w http.ResponseWriter, r *http.Request, reference string) error {
	got, err := n.router.Get(r.Context(), reference)
	if err != nil {
		return err
	}
	defer got.Content.Close()
	_, err = io.Copy(w, got.Content)
	return err
}

func refuse(w http.ResponseWriter, err error) {
	status := http.StatusBadGateway
	switch {
	case errors.Is(err, fbroute.ErrReadOnly):
		status = http.StatusServiceUnavailable
		var full *fbroute.WriteFailed
		if errors.As(err, &full) && full.Record.RetryAtMS != nil {
			w.Header().Set("Retry-After", time.UnixMilli(*full.Record.RetryAtMS).UTC().Format(http.TimeFormat))
		}
	case errors.Is(err, fbroute.ErrAlreadyExists):
		status = http.StatusConflict
	case errors.Is(err, fbroute.ErrNotFound):
		status = http.StatusNotFound
	case errors.Is(err, fbroute.ErrNotAReference):
		status = http.StatusBadRequest
	}
	http.Error(w, err.Error(), status)
}

func main() {
	options := fbroute.Options{OnRecord: moves()}
	router := fbroute.Open("routing-policy.json", fbroute.NewS3(credentials, fbroute.S3Options{}), options)
	listener, err := net.Listen("tcp", "127.0.0.1:"+os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	server := &http.Server{Handler: notes{router}}
	go server.Serve(listener)
	fmt.Println("notes on http://" + listener.Addr().String())

	stop, _ := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	<-stop.Done()
	server.Shutdown(context.Background())
}

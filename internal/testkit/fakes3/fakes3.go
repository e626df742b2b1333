// Package fakes3 is an object store in memory for tests. It knows the requests
// that our connector makes and nothing of access.
package fakes3

import (
	"bufio"
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Store is an object store in memory: GET with ranges and If-Match, HEAD, PUT,
// DELETE, ListObjectsV2 and multipart uploads of one bucket named "bucket".
type Store struct {
	mu struct {
		sync.Mutex
		objects  map[string][]byte
		uploads  map[string]map[int][]byte
		keys     map[string]string // of uploads
		begun    int
		requests []string
		fail     func(r *http.Request) (status int, code string, short bool)
		lose     func(r *http.Request) bool
	}
}

// New makes an empty store; it is an http.Handler.
func New() *Store {
	f := &Store{}
	f.mu.objects, f.mu.uploads, f.mu.keys = map[string][]byte{}, map[string]map[int][]byte{}, map[string]string{}
	return f
}

func sum(b []byte) string {
	h := md5.Sum(b)
	return hex.EncodeToString(h[:])
}

// Put stores an object.
func (f *Store) Put(key, content string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mu.objects[key] = []byte(content)
}

// Get reads one.
func (f *Store) Get(key string) (string, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	b, ok := f.mu.objects[key]
	return string(b), ok
}

// FailWith asks f of every request: an error's status and code, or short for an
// answer that ends early.
func (f *Store) FailWith(fail func(r *http.Request) (int, string, bool)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mu.fail = fail
}

// Count tells how many requests started with prefix, and forgets them.
func (f *Store) Count(prefix string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, r := range f.mu.requests {
		if strings.HasPrefix(r, prefix) {
			n++
		}
	}
	f.mu.requests = nil
	return n
}

// Lose asks lose of every request: those it names are served, and their answers
// never arrive.
func (f *Store) Lose(lose func(r *http.Request) bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mu.lose = lose
}

func problem(w http.ResponseWriter, status int, code string) {
	w.WriteHeader(status)
	fmt.Fprintf(w, "<Error><Code>%s</Code><Message>%s</Message></Error>", code, code)
}

// nowhere is where answers go that get lost.
type nowhere struct{ header http.Header }

func (n nowhere) Header() http.Header       { return n.header }
func (nowhere) Write(b []byte) (int, error) { return len(b), nil }
func (nowhere) WriteHeader(int)             {}

// ServeHTTP answers a request.
func (f *Store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.mu.lose != nil && f.mu.lose(r) {
		problem(w, http.StatusForbidden, "AccessDenied") // what the client does not try again
		w = nowhere{http.Header{}}
	}
	f.serveHTTP(w, r)
}

func (f *Store) serveHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.requests = append(f.mu.requests, r.Method+" "+r.URL.String())
	if len(r.TransferEncoding) > 0 { // as AWS answers
		problem(w, http.StatusNotImplemented, "NotImplemented")
		return
	}
	bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if f.mu.fail != nil {
		if status, code, short := f.mu.fail(r); status != 0 {
			problem(w, status, code)
			return
		} else if short {
			w.Header().Set("Content-Length", "100")
			w.Header().Set("Last-Modified", time.Unix(1e9, 0).UTC().Format(http.TimeFormat))
			fmt.Fprint(w, "short")
			return
		}
	}
	if bucket != "bucket" {
		problem(w, http.StatusNotFound, "NoSuchBucket")
		return
	}
	q := r.URL.Query()
	switch {
	case r.Method == http.MethodGet && q.Has("uploads"):
		f.listUploads(w, q.Get("prefix"))
	case r.Method == http.MethodGet && key == "":
		f.list(w, q.Get("prefix"), q.Get("continuation-token"), q.Get("max-keys"))
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		f.serve(w, r, key)
	case r.Method == http.MethodPut && q.Get("uploadId") != "":
		n, _ := strconv.Atoi(q.Get("partNumber"))
		b := body(r)
		if f.mu.uploads[q.Get("uploadId")] == nil {
			problem(w, http.StatusNotFound, "NoSuchUpload")
			return
		}
		f.mu.uploads[q.Get("uploadId")][n] = b
		w.Header().Set("ETag", `"`+sum(b)+`"`)
	case r.Method == http.MethodPut:
		b := body(r)
		f.mu.objects[key] = b
		w.Header().Set("ETag", `"`+sum(b)+`"`)
	case r.Method == http.MethodPost && q.Has("uploads"):
		f.mu.begun++
		id := fmt.Sprint("upload", f.mu.begun)
		f.mu.uploads[id], f.mu.keys[id] = map[int][]byte{}, key
		fmt.Fprintf(w, "<InitiateMultipartUploadResult><Bucket>bucket</Bucket><Key>%s</Key><UploadId>%s</UploadId></InitiateMultipartUploadResult>", key, id)
	case r.Method == http.MethodPost:
		f.complete(w, r, key, q.Get("uploadId"))
	case r.Method == http.MethodDelete && q.Get("uploadId") != "":
		if f.mu.uploads[q.Get("uploadId")] == nil {
			problem(w, http.StatusNotFound, "NoSuchUpload")
			return
		}
		delete(f.mu.uploads, q.Get("uploadId"))
		w.WriteHeader(http.StatusNoContent)
	case r.Method == http.MethodDelete:
		delete(f.mu.objects, key)
		w.WriteHeader(http.StatusNoContent)
	}
}

func (f *Store) serve(w http.ResponseWriter, r *http.Request, key string) {
	b, ok := f.mu.objects[key]
	if !ok {
		problem(w, http.StatusNotFound, "NoSuchKey")
		return
	}
	w.Header().Set("ETag", `"`+sum(b)+`"`)
	http.ServeContent(w, r, "", time.Unix(1e9, 0), bytes.NewReader(b))
}

func (f *Store) list(w http.ResponseWriter, prefix, token, most string) {
	limit, err := strconv.Atoi(most)
	if err != nil {
		limit = 1000
	}
	limit = min(limit, 3) // pages are small, so that tests cross them
	var keys []string
	for k := range f.mu.objects {
		if strings.HasPrefix(k, prefix) && k > token {
			keys = append(keys, k)
		}
	}
	sort.Strings(keys)
	fmt.Fprint(w, "<ListBucketResult><Name>bucket</Name>")
	for i, k := range keys {
		if i == limit {
			fmt.Fprintf(w, "<IsTruncated>true</IsTruncated><NextContinuationToken>%s</NextContinuationToken>", keys[i-1])
			break
		}
		fmt.Fprintf(w, "<Contents><Key>%s</Key><Size>%d</Size><ETag>&quot;%s&quot;</ETag><LastModified>2024-01-01T00:00:00Z</LastModified></Contents>", k, len(f.mu.objects[k]), sum(f.mu.objects[k]))
	}
	fmt.Fprint(w, "</ListBucketResult>")
}

func (f *Store) listUploads(w http.ResponseWriter, prefix string) {
	fmt.Fprint(w, "<ListMultipartUploadsResult><Bucket>bucket</Bucket>")
	for id := range f.mu.uploads {
		if strings.HasPrefix(f.mu.keys[id], prefix) {
			fmt.Fprintf(w, "<Upload><Key>%s</Key><UploadId>%s</UploadId></Upload>", f.mu.keys[id], id)
		}
	}
	fmt.Fprint(w, "</ListMultipartUploadsResult>")
}

// Open counts unfinished uploads.
func (f *Store) Open() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.mu.uploads)
}

func (f *Store) complete(w http.ResponseWriter, r *http.Request, key, id string) {
	var req struct {
		Part []struct {
			PartNumber int
			ETag       string
		}
	}
	if err := xml.Unmarshal(body(r), &req); err != nil {
		problem(w, http.StatusBadRequest, "MalformedXML")
		return
	}
	if f.mu.uploads[id] == nil {
		problem(w, http.StatusNotFound, "NoSuchUpload")
		return
	}
	var all []byte
	for _, p := range req.Part {
		part, ok := f.mu.uploads[id][p.PartNumber]
		if !ok || strings.Trim(p.ETag, `"`) != sum(part) {
			problem(w, http.StatusBadRequest, "InvalidPart")
			return
		}
		all = append(all, part...)
	}
	f.mu.objects[key] = all
	delete(f.mu.uploads, id)
	fmt.Fprintf(w, "<CompleteMultipartUploadResult><Bucket>bucket</Bucket><Key>%s</Key><ETag>&quot;%s&quot;</ETag></CompleteMultipartUploadResult>", key, sum(all))
}

// body takes the chunk framing of signed streams off.
func body(r *http.Request) []byte {
	if !strings.HasPrefix(r.Header.Get("X-Amz-Content-Sha256"), "STREAMING-") {
		b, _ := io.ReadAll(r.Body)
		return b
	}
	in := bufio.NewReader(r.Body)
	var out []byte
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return out
		}
		size, _, _ := strings.Cut(strings.TrimSpace(line), ";")
		n, err := strconv.ParseInt(size, 16, 64)
		if err != nil || n == 0 {
			_, _ = io.Copy(io.Discard, in)
			return out
		}
		chunk := make([]byte, n+2)
		if _, err := io.ReadFull(in, chunk); err != nil {
			return out
		}
		out = append(out, chunk[:n]...)
	}
}

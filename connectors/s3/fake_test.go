package s3_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/spurwheel/spurwheel/internal/testkit/fakes3"
)

// fake is a store of one bucket named "bucket".
type fake struct{ *fakes3.Store }

func newFake(t testing.TB) (*fake, string) {
	f := &fake{fakes3.New()}
	s := httptest.NewServer(f.Store)
	t.Cleanup(s.Close)
	return f, s.URL
}

func (f *fake) put(key, content string)       { f.Put(key, content) }
func (f *fake) get(key string) (string, bool) { return f.Get(key) }
func (f *fake) count(prefix string) int       { return f.Count(prefix) }
func (f *fake) open() int                     { return f.Open() }
func (f *fake) failWith(fail func(r *http.Request) (int, string, bool)) {
	f.FailWith(fail)
}

package s3

import (
	"crypto/sha256"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/spurwheel/spurwheel/internal/mem"
)

// maxStores bounds the sets of settings whose clients are kept. A store that
// was dropped while in use goes on working; the next query makes another.
const maxStores = 64

const (
	hadoopPrefix = "spark.hadoop."
	keyPrefix    = "fs.s3a."
)

// Stores gives each set of settings a file system of its own, so that one
// session's credentials never serve another's. Connections are shared: every
// request is signed by itself. It is safe for concurrent use.
type Stores struct {
	pool *mem.Pool
	base Keys
	env  func(string) string
	http *http.Transport
	// uploads holds a token for each part on its way, of all stores together.
	uploads chan struct{}

	mu struct {
		sync.Mutex
		byKeys map[[sha256.Size]byte]*FS
		order  [][sha256.Size]byte // oldest first
	}
}

// NewStores makes file systems whose settings are base's where a session's are silent.
func NewStores(pool *mem.Pool, base Keys, env func(string) string) *Stores {
	s := &Stores{pool: pool, base: base, env: env, http: newTransport(), uploads: make(chan struct{}, uploads)}
	s.mu.byKeys = map[[sha256.Size]byte]*FS{}
	return s
}

// With is the file system under a session's own settings; nil are none.
// Settings of other stores are passed over.
func (s *Stores) With(own Keys) *FS {
	keys := s.base.with(own)
	id := keys.digest()
	s.mu.Lock()
	defer s.mu.Unlock()
	if f := s.mu.byKeys[id]; f != nil {
		return f
	}
	if len(s.mu.order) >= maxStores {
		delete(s.mu.byKeys, s.mu.order[0])
		s.mu.order = s.mu.order[1:]
	}
	f := newFS(s.pool, keys, s.env, s.http, s.uploads)
	s.mu.byKeys[id], s.mu.order = f, append(s.mu.order, id)
	return f
}

// Close ends idle connections.
func (s *Stores) Close() { s.http.CloseIdleConnections() }

// plain is the keys without "spark.hadoop."; a key given both ways counts
// without it, as in Spark.
func (k Keys) plain() Keys {
	out := Keys{}
	for name, v := range k {
		if after, ok := strings.CutPrefix(name, hadoopPrefix); ok && strings.HasPrefix(after, keyPrefix) && k[after] == "" {
			out[after] = v
		} else if strings.HasPrefix(name, keyPrefix) {
			out[name] = v
		}
	}
	return out
}

// with is k overridden by own. Credentials go together: an access key of own
// is never used with a secret or token of k.
func (k Keys) with(own Keys) Keys {
	out, own := k.plain(), own.plain()
	if own["fs.s3a.access.key"] != "" {
		delete(out, "fs.s3a.secret.key")
		delete(out, "fs.s3a.session.token")
	}
	maps.Copy(out, own)
	return out
}

func (k Keys) digest() [sha256.Size]byte {
	names := make([]string, 0, len(k))
	for name := range k {
		names = append(names, name)
	}
	slices.Sort(names)
	h := sha256.New()
	for _, name := range names {
		h.Write([]byte(name + "\x00" + k[name] + "\x00"))
	}
	return [sha256.Size]byte(h.Sum(nil))
}

package auth

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/spurwheel/spurwheel/internal/clock"
	"github.com/spurwheel/spurwheel/internal/errs"
)

// A file of tokens has one line for each: user, role, sha256:HEX. A token is 32
// random bytes, so a plain hash keeps it. Lines that start with # are notes.
const (
	hashPrefix = "sha256:"
	tokenBytes = 32
	maxTokens  = 10_000
	maxFile    = 4 << 20
)

// userName keeps names to what is plain in logs, paths and the file itself.
var userName = regexp.MustCompile(`^[A-Za-z0-9._@-]{1,128}$`)

// token is one line.
type token struct {
	hash [sha256.Size]byte
	who  Principal
}

// NewToken makes a token and the line that belongs in the file.
func NewToken(user string, role Role) (secret, line string, err error) {
	if !userName.MatchString(user) {
		return "", "", errs.Errorf(errs.Invalid, "", "%q cannot name a user: use letters, digits and . _ @ -", user)
	}
	if !known(role) {
		return "", "", errs.Errorf(errs.Invalid, "", "%q is no role: choose of admin, user, viewer", role)
	}
	var b [tokenBytes]byte
	_, _ = rand.Read(b[:]) // never fails
	secret = base64.RawURLEncoding.EncodeToString(b[:])
	sum := sha256.Sum256([]byte(secret))
	return secret, fmt.Sprintf("%s %s %s%s\n", user, role, hashPrefix, hex.EncodeToString(sum[:])), nil
}

// parseTokens reads a file's lines.
func parseTokens(r io.Reader) ([]token, error) {
	var out []token
	lines := bufio.NewScanner(io.LimitReader(r, maxFile))
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		t, err := parseToken(line)
		if err != nil {
			return nil, errs.Errorf(errs.Invalid, "", "line %d: %w", n, err)
		}
		if out = append(out, t); len(out) > maxTokens {
			return nil, errs.Errorf(errs.Invalid, "", "more than %d tokens", maxTokens)
		}
	}
	return out, errs.E(errs.Invalid, "", lines.Err())
}

var errLine = errors.New("want USER ROLE sha256:HEX")

func parseToken(line string) (t token, err error) {
	f := strings.Fields(line)
	if len(f) != 3 || !userName.MatchString(f[0]) || !known(Role(f[1])) {
		return t, errLine
	}
	digits, ok := strings.CutPrefix(f[2], hashPrefix)
	sum, err := hex.DecodeString(digits)
	if !ok || err != nil || len(sum) != len(t.hash) {
		return t, errLine
	}
	t.who = Principal{f[0], Role(f[1])}
	copy(t.hash[:], sum)
	return t, nil
}

// find looks at every line, whichever matches: how long it takes says nothing.
func find(list []token, secret string) (Principal, bool) {
	sum, at := sha256.Sum256([]byte(secret)), -1
	for i := range list {
		at = subtle.ConstantTimeSelect(subtle.ConstantTimeCompare(sum[:], list[i].hash[:]), i, at)
	}
	if at < 0 || secret == "" {
		return Principal{}, false
	}
	return list[at].who, true
}

// Tokens is a Checker of the tokens in a file, which is read again when it
// changes: a token is given and taken without a restart.
type Tokens struct {
	path  string
	clock clock.Clock
	log   *slog.Logger
	mu    struct {
		sync.Mutex
		looked time.Time
		text   []byte
		list   []token
	}
}

// lookEvery is how long a change may go unseen.
const lookEvery = time.Second

// OpenTokens reads a file of tokens.
func OpenTokens(path string, c clock.Clock, log *slog.Logger) (*Tokens, error) {
	t := &Tokens{path: path, clock: c, log: log}
	text, list, err := readTokens(path)
	if err != nil {
		return nil, err
	}
	t.mu.looked, t.mu.text, t.mu.list = c.Now(), text, list
	return t, nil
}

func readTokens(path string) ([]byte, []token, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, errs.Errorf(errs.Invalid, "", "%w: make tokens with `spurwheel tls token`", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return nil, nil, errs.E(errs.Invalid, "", err)
	}
	list, err := parseTokens(bytes.NewReader(text))
	if err != nil {
		return nil, nil, errs.Errorf(errs.Invalid, "", "%s: %w", path, err)
	}
	return text, list, nil
}

// Lookup says whose token it is.
func (t *Tokens) Lookup(secret string) (Principal, error) {
	p, ok := find(t.current(), secret)
	if !ok {
		return Principal{}, errNoToken
	}
	return p, nil
}

// Check implements Checker.
func (t *Tokens) Check(ctx context.Context) (Principal, error) { return t.Lookup(bearer(ctx)) }

// current is the list to use now. A file that cannot be read leaves nobody out
// and lets nobody in.
func (t *Tokens) current() []token {
	t.mu.Lock()
	list, old := t.mu.list, t.mu.text
	due := t.clock.Now().Sub(t.mu.looked) >= lookEvery
	if due {
		t.mu.looked = t.clock.Now()
	}
	t.mu.Unlock()
	if !due {
		return list
	}
	text, list, err := readTokens(t.path)
	t.mu.Lock()
	defer t.mu.Unlock()
	if err != nil {
		t.log.Warn("the file of tokens cannot be used, the old tokens stay", slog.Any("error", err))
		return t.mu.list
	}
	if !bytes.Equal(text, old) {
		t.mu.text, t.mu.list = text, list
	}
	return t.mu.list
}

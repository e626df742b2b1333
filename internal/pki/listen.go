package pki

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"

	"github.com/spurwheel/spurwheel/internal/errs"
)

// CheckListen is the rule of what may listen where: an address that other
// machines reach needs TLS and a way to tell who calls. Inner ports have both
// in mutual TLS. The error is errs.Invalid and says what to do.
func CheckListen(addr string, hasTLS, hasAuth, insecure bool) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return errs.Errorf(errs.Invalid, "", "%q is no address: give host:port", addr)
	}
	if insecure || hasTLS && hasAuth || IsLoopback(host) {
		return nil
	}
	lacks, cure := "TLS and authentication", "make certificates with `spurwheel tls init` and `spurwheel tls issue` and tokens with `spurwheel tls token`"
	switch {
	case hasTLS:
		lacks, cure = "authentication", "make tokens with `spurwheel tls token`"
	case hasAuth:
		lacks, cure = "TLS", "make certificates with `spurwheel tls init` and `spurwheel tls issue`"
	}
	return errs.Errorf(errs.Invalid, "", "refusing to listen on %s, which other machines can reach, without %s: %s, or listen on 127.0.0.1; "+
		"--insecure-i-know listens anyway", addr, lacks, cure)
}

// IsLoopback tells whether only this machine reaches a host. Names other than
// localhost are not looked up: what they mean can change.
func IsLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// KeySize is the length of a cluster's key: who has it reads the gossip.
const KeySize = 32

// KeyFile is the name of the key's file.
const KeyFile = "cluster.key"

// NewKey writes a fresh key to a file that is not there yet.
func NewKey(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return errs.E(errs.Permission, "pki.NewKey", err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return errs.Errorf(errs.Invalid, "", "%s is there already", path)
	}
	key := make([]byte, KeySize)
	_, _ = rand.Read(key) // never fails
	return replace(path, key)
}

// ReadKey reads a cluster's key.
func ReadKey(path string) ([]byte, error) {
	key, err := readFile(path)
	if err != nil {
		return nil, err
	}
	if len(key) != KeySize {
		return nil, errs.Errorf(errs.Invalid, "", "%s has %d bytes: a cluster's key has %d", path, len(key), KeySize)
	}
	return key, nil
}

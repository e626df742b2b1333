package shuffle

import (
	"strconv"
	"strings"

	"github.com/spurwheel/spurwheel/internal/errs"
)

// Address is where a worker's store is read and which start of the worker it
// is. Its text is the worker's name in outputs:
//
//	unix:/run/w1/shuffle.sock|tcp:10.0.0.7:4041|epoch:9f3c22d1
//
// Any part may be missing; a text without a scheme is a TCP address.
type Address struct {
	Unix  string // path of a socket, of use on the same host only
	TCP   string // host:port
	Epoch uint64 // fresh for each start of a worker; 0: not told
}

// maxAddress bounds the text: names and paths, not data.
const maxAddress = 1 << 10

// String is the form that ParseAddress reads.
func (a Address) String() string {
	var parts []string
	if a.Unix != "" {
		parts = append(parts, "unix:"+a.Unix)
	}
	if a.TCP != "" {
		parts = append(parts, "tcp:"+a.TCP)
	}
	if a.Epoch != 0 {
		parts = append(parts, "epoch:"+strconv.FormatUint(a.Epoch, 16))
	}
	return strings.Join(parts, "|")
}

// ParseAddress reads an address. Parts of unknown schemes are of later versions
// and passed over.
func ParseAddress(s string) (Address, error) {
	var a Address
	if s == "" || len(s) > maxAddress {
		return a, errs.Errorf(errs.Invalid, "shuffle.ParseAddress", "an address of %d bytes", len(s))
	}
	if !strings.ContainsAny(s, "|") && !hasScheme(s) {
		return Address{TCP: s}, nil
	}
	for part := range strings.SplitSeq(s, "|") {
		scheme, rest, _ := strings.Cut(part, ":")
		switch scheme {
		case "unix":
			a.Unix = rest
		case "tcp":
			a.TCP = rest
		case "epoch":
			n, err := strconv.ParseUint(rest, 16, 64)
			if err != nil {
				return a, errs.Errorf(errs.Invalid, "shuffle.ParseAddress", "%q is no epoch", rest)
			}
			a.Epoch = n
		}
	}
	return a, nil
}

func hasScheme(s string) bool {
	return strings.HasPrefix(s, "unix:") || strings.HasPrefix(s, "tcp:") || strings.HasPrefix(s, "epoch:")
}

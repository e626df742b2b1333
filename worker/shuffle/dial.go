package shuffle

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/spurwheel/spurwheel/internal/errs"
)

// dialTimeout bounds one attempt to connect and greet.
const dialTimeout = 2 * time.Second

// Dialer reaches workers by the addresses they are named by in outputs: by the
// Unix socket if it is the right worker that answers there, else by TCP.
type Dialer struct {
	TLS    *tls.Config   // of the worker's role; nil: plain TCP
	NoUnix bool          // TCP also on one host, so that its network can be cut
	Within time.Duration // to connect and greet; 0: dialTimeout
}

// Dial connects to a worker. A worker that was started anew under the address
// has none of the outputs asked for: errs.Lost.
func (d *Dialer) Dial(ctx context.Context, worker string) (net.Conn, error) {
	a, err := ParseAddress(worker)
	if err != nil {
		return nil, errs.E(errs.Lost, "shuffle.Dial", err)
	}
	within := d.Within
	if within == 0 {
		within = dialTimeout
	}
	bounded, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	c, err := d.reach(bounded, worker, a)
	if err != nil && bounded.Err() != nil && ctx.Err() == nil {
		return nil, &fault{reason: ReasonCut, stalled: true, err: errs.Errorf(errs.Unavailable, "shuffle.Dial", "no answer from %s within %s", worker, within)}
	}
	return c, err
}

func (d *Dialer) reach(ctx context.Context, worker string, a Address) (net.Conn, error) {
	if a.Unix != "" && !d.NoUnix {
		// Another host may have a socket of that path: only the epoch tells.
		if c, err := d.connect(ctx, "unix", a.Unix, a.Epoch); err == nil || a.TCP == "" {
			return c, err
		}
	}
	if a.TCP == "" {
		return nil, errs.Errorf(errs.Lost, "shuffle.Dial", "worker %s has no address that can be reached", worker)
	}
	return d.connect(ctx, "tcp", a.TCP, a.Epoch)
}

func (d *Dialer) connect(ctx context.Context, network, address string, epoch uint64) (net.Conn, error) {
	var nd net.Dialer
	c, err := nd.DialContext(ctx, network, address)
	if err != nil {
		return nil, errs.E(errs.Unavailable, "shuffle.Dial", errors.New(err.Error()))
	}
	if network == "tcp" && d.TLS != nil {
		secured := tls.Client(c, d.TLS)
		if err := secured.HandshakeContext(ctx); err != nil {
			return nil, errors.Join(errs.E(errs.Unavailable, "shuffle.Dial", errors.New(err.Error())), c.Close())
		}
		c = secured
	}
	if epoch == 0 {
		return c, nil
	}
	if err := greet(ctx, c, epoch); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// greet asks who answers.
func greet(ctx context.Context, c net.Conn, epoch uint64) error {
	b := &remoteBlocks{link: &link{c, bufio.NewReaderSize(c, headerLen)}, stall: stall}
	msg, err := (&request{kind: askHello}).encode()
	if err == nil {
		err = b.ask(ctx, msg)
	}
	switch {
	case err != nil:
		return err
	case b.first.kind != kindHello || b.first.epoch != epoch:
		return errs.Errorf(errs.Lost, "shuffle.Dial", "another start of the worker answers")
	}
	return c.SetDeadline(time.Time{})
}

// Endpoint is where a store listens. Either part may be missing.
type Endpoint struct {
	TCP  string      // host:port; port 0 is chosen
	Host string      // what others call this host; "": as listened to
	TLS  *tls.Config // that asks peers for a certificate of a worker; nil: plain TCP
	Unix string      // path of a socket in a folder of this worker alone
}

// Listener is a store's open doors.
type Listener struct {
	list    []net.Listener
	address Address
}

// maxSocketPath is what the kernel takes.
const maxSocketPath = 107

// Listen opens the doors. A socket's path that is too long is done without.
func Listen(ctx context.Context, e Endpoint, epoch uint64) (*Listener, error) {
	l := &Listener{address: Address{Epoch: epoch}}
	if e.TCP != "" {
		if err := l.tcp(ctx, e); err != nil {
			return nil, err
		}
	}
	if e.Unix != "" && len(e.Unix) <= maxSocketPath {
		if err := l.unix(ctx, e.Unix); err != nil {
			return nil, errors.Join(err, l.Close())
		}
	}
	if len(l.list) == 0 {
		return nil, errs.Errorf(errs.Invalid, "shuffle.Listen", "no address to listen on")
	}
	return l, nil
}

func (l *Listener) tcp(ctx context.Context, e Endpoint) error {
	var lc net.ListenConfig
	t, err := lc.Listen(ctx, "tcp", e.TCP)
	if err != nil {
		return errs.E(errs.Unavailable, "shuffle.Listen", err)
	}
	l.address.TCP = t.Addr().String()
	if _, port, err := net.SplitHostPort(l.address.TCP); err == nil && e.Host != "" {
		l.address.TCP = net.JoinHostPort(e.Host, port)
	}
	if e.TLS != nil {
		t = tls.NewListener(t, e.TLS)
	}
	l.list = append(l.list, t)
	return nil
}

// unix makes the socket in a folder that only this user can enter: whoever gets
// that far may read, as with the spill files.
func (l *Listener) unix(ctx context.Context, path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return errs.E(errs.Permission, "shuffle.Listen", err)
	}
	if info, err := os.Lstat(path); err == nil && info.Mode().Type() == fs.ModeSocket {
		_ = os.Remove(path) // of an earlier process; else listening says what is wrong
	}
	var lc net.ListenConfig
	u, err := lc.Listen(ctx, "unix", path)
	if err == nil {
		l.list = append(l.list, u)
		err = os.Chmod(path, 0o600)
	}
	l.address.Unix = path
	return errs.E(errs.Unavailable, "shuffle.Listen", err)
}

// Address is what others reach it by.
func (l *Listener) Address() Address { return l.address }

// Close closes the doors of a Listener that was never served.
func (l *Listener) Close() error {
	var err error
	for _, one := range l.list {
		err = errors.Join(err, one.Close())
	}
	return err
}

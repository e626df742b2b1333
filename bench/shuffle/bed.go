package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"sync"
	"time"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
	"github.com/spurwheel/spurwheel/dataset/function"
	"github.com/spurwheel/spurwheel/dataset/physical"
	"github.com/spurwheel/spurwheel/internal/batch"
	"github.com/spurwheel/spurwheel/internal/mem"
	"github.com/spurwheel/spurwheel/internal/types"
	"github.com/spurwheel/spurwheel/worker/exec"
	"github.com/spurwheel/spurwheel/worker/shuffle"
)

// bed is an output of a store that listens in every way, and readers of each.
type bed struct {
	schema    types.Schema
	blockSize int
	memory    []byte // for the machine's own figures
	scratch   []byte
	stop      context.CancelFunc
	serving   sync.WaitGroup
	closers   []io.Closer
	ways      map[string]way
	folder    string
}

// way is a store that reads an output of another.
type way struct {
	store *shuffle.Store
	out   *pb.Output
}

const columns = 8

// scratchSize is about that of a block.
const scratchSize = 512 << 10

func newBed(ctx context.Context, size int) (b *bed, err error) {
	ctx, stop := context.WithCancel(ctx)
	b = &bed{stop: stop, ways: map[string]way{}, memory: make([]byte, size), scratch: make([]byte, scratchSize)}
	for i := range b.memory {
		b.memory[i] = byte(i * 7 >> 3)
	}
	var fields []types.Field
	for i := range columns {
		fields = append(fields, types.F(string(rune('a'+i)), types.Long))
	}
	b.schema = types.NewSchema(fields...)
	if b.folder, err = os.MkdirTemp("", "shuffle-bench-*"); err != nil {
		stop()
		return nil, err
	}
	secure, err := certificate()
	if err == nil {
		err = b.open(ctx, size, secure)
	}
	if err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

// open starts the stores and fills them.
func (b *bed) open(ctx context.Context, size int, secure *tls.Config) error {
	unix := filepath.Join(b.folder, "s.sock")
	for _, w := range []struct {
		name  string
		door  shuffle.Endpoint
		dial  shuffle.Dialer
		limit int64
	}{
		{storeUnix, shuffle.Endpoint{TCP: "127.0.0.1:0", Unix: unix}, shuffle.Dialer{}, 0},
		{storeTCP, shuffle.Endpoint{TCP: "127.0.0.1:0"}, shuffle.Dialer{}, 0},
		{storeTLS, shuffle.Endpoint{TCP: "127.0.0.1:0", Host: "localhost", TLS: secure}, shuffle.Dialer{TLS: secure}, 0},
		{storeFile, shuffle.Endpoint{TCP: "127.0.0.1:0"}, shuffle.Dialer{}, 1},
	} {
		l, err := shuffle.Listen(ctx, w.door, 1)
		if err != nil {
			return err
		}
		far := shuffle.New(shuffle.Config{Worker: l.Address().String(), Epoch: 1, Dir: b.folder, Budget: mem.NewBudget("bench", w.limit)})
		b.serving.Go(func() { _ = far.ServeAll(ctx, l) })
		client := shuffle.NewClient(w.dial.Dial)
		near := shuffle.New(shuffle.Config{Worker: "near", Peers: client})
		b.closers = append(b.closers, client, near, far)
		out, err := b.fill(ctx, far, size)
		if err != nil {
			return err
		}
		b.ways[w.name] = way{near, out}
	}
	return nil
}

// fill stores rows of random numbers, which do not compress.
func (b *bed) fill(ctx context.Context, far *shuffle.Store, size int) (*pb.Output, error) {
	const rows = 8192
	data := batch.NewBatch(b.schema.Types(), 0)
	x := uint64(1)
	for range rows {
		for c := range columns {
			x ^= x << 13
			x ^= x >> 7
			x ^= x << 17
			data.Cols[c].Append(int64(x))
		}
		data.N++
	}
	b.blockSize = int(data.Bytes())
	v := &physical.Values{Out: b.schema}
	for range size / b.blockSize {
		v.Data = append(v.Data, data)
	}
	run, err := exec.Build(v, exec.Deps{Registry: function.Standard(), Env: &function.Env{}, Threads: 1})
	if err != nil {
		return nil, err
	}
	defer run.Close()
	task := &pb.Task{Id: &pb.TaskID{Job: "bench"}}
	return far.Write(ctx, task, physical.Exchange{Kind: physical.ExchangeSingle, Parts: 1}, run)
}

func (b *bed) close() {
	b.stop()
	b.serving.Wait()
	var err error
	for _, c := range b.closers {
		err = errors.Join(err, c.Close())
	}
	_ = errors.Join(err, os.RemoveAll(b.folder)) // nothing depends on it any more
}

// certificate is one that both ends show.
func certificate() (*tls.Config, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	cert := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, cert, cert, key.Public(), key)
	if err != nil {
		return nil, err
	}
	if cert, err = x509.ParseCertificate(der); err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS13,
		RootCAs: pool, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert, ServerName: "localhost",
	}, nil
}

package main

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"path/filepath"
	"syscall"
	"time"
)

// The measures, in the order they are taken.
const (
	copyCold  = "memcpy, from memory"
	copyHot   = "memcpy, in the cache"
	sumCold   = "crc32c, from memory"
	sumHot    = "crc32c, in the cache"
	rawUnix   = "Unix socket, bytes alone"
	rawTCP    = "TCP loopback, bytes alone"
	storeUnix = "store to batches, Unix socket"
	storeTCP  = "store to batches, TCP"
	storeTLS  = "store to batches, TCP with TLS 1.3"
	storeFile = "store to batches, spilled, TCP"
)

type measure struct {
	name string
	pass func(ctx context.Context) (int64, error) // moves some bytes
}

// take runs a measure once to warm up and then counts.
func (m measure) take(ctx context.Context, passes int) (figure, error) {
	if _, err := m.pass(ctx); err != nil {
		return figure{}, err
	}
	f := figure{Name: m.name}
	start, cpu := time.Now(), cpuTime()
	for range passes {
		n, err := m.pass(ctx)
		if err != nil {
			return f, err
		}
		f.Bytes += n
	}
	f.CPU, f.Wall = (cpuTime() - cpu).Seconds(), time.Since(start).Seconds()
	return f, nil
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // it fails for wrong arguments only
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func (b *bed) measures() []measure {
	list := []measure{
		{copyCold, b.pieces(func(p []byte) { copy(b.scratch, p) })},
		{copyHot, b.pieces(func(p []byte) {
			copy(b.scratch[len(p)/2:], b.scratch[:len(p)/2])
			copy(b.scratch, b.scratch[len(p)/2:])
		})},
		{sumCold, b.pieces(func(p []byte) { b.scratch[0] = byte(crc32.Checksum(p, castagnoli)) })},
		{sumHot, b.pieces(func(p []byte) { b.scratch[0] = byte(crc32.Checksum(b.scratch[:len(p)], castagnoli)) })},
		{rawUnix, func(ctx context.Context) (int64, error) {
			return b.loop(ctx, "unix", filepath.Join(b.folder, "raw.sock"))
		}},
		{rawTCP, func(ctx context.Context) (int64, error) { return b.loop(ctx, "tcp", "127.0.0.1:0") }},
	}
	for _, name := range []string{storeUnix, storeTCP, storeTLS, storeFile} {
		list = append(list, measure{name, func(ctx context.Context) (int64, error) { return b.read(ctx, b.ways[name]) }})
	}
	return list
}

// pieces goes through the memory in pieces of the scratch's size.
func (b *bed) pieces(f func(p []byte)) func(context.Context) (int64, error) {
	return func(context.Context) (int64, error) {
		for at := 0; at+len(b.scratch) <= len(b.memory); at += len(b.scratch) {
			f(b.memory[at : at+len(b.scratch)])
		}
		return int64(len(b.memory)), nil
	}
}

// loop sends the memory through a socket into the scratch.
func (b *bed) loop(ctx context.Context, network, address string) (n int64, err error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, network, address)
	if err != nil {
		return 0, err
	}
	defer l.Close()
	var d net.Dialer
	from, err := d.DialContext(ctx, network, l.Addr().String())
	if err != nil {
		return 0, err
	}
	to, err := l.Accept()
	if err != nil {
		return 0, errors.Join(err, from.Close())
	}
	defer to.Close()
	sent := make(chan error, 1)
	go func() {
		_, err := from.Write(b.memory)
		sent <- errors.Join(err, from.Close())
	}()
	for err == nil {
		var k int
		k, err = io.ReadFull(to, b.scratch)
		n += int64(k)
	}
	if !errors.Is(err, io.EOF) {
		return n, errors.Join(err, <-sent)
	}
	return n, <-sent
}

// read decodes the output to its last batch.
func (b *bed) read(ctx context.Context, w way) (int64, error) {
	r, err := w.store.Read(ctx, w.out, 0, b.schema)
	if err != nil {
		return 0, err
	}
	defer r.Close()
	rows := int64(0)
	for {
		got, err := r.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return 0, err
		}
		rows += int64(got.N)
	}
	if rows != w.out.GetRows()[0] {
		return 0, fmt.Errorf("%d rows of %d", rows, w.out.GetRows()[0])
	}
	return w.out.GetBytes()[0], nil
}

package record

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"hash"
	"hash/crc32"
	"io"
	"iter"
	"maps"
	"slices"

	"github.com/spurwheel/spurwheel/internal/errs"
)

// A snapshot is the shortest log that rebuilds the record:
//
//	magic, then per entry its length (uvarint, never 0) and its bytes,
//	then a length of 0 and the CRC-32C of all before it.
const magic = "spurrec1"

// castagnoli is what every machine computes in hardware.
func castagnoli() hash.Hash32 { return crc32.New(crc32.MakeTable(crc32.Castagnoli)) }

// Save writes a snapshot. Two records that know the same give the same bytes.
func (s *State) Save(w io.Writer) error {
	const op = "record.Save"
	sum := castagnoli()
	out := bufio.NewWriterSize(io.MultiWriter(w, sum), 64<<10)
	_, _ = out.WriteString(magic) // bufio keeps the first error until Flush
	for e := range s.log() {
		data, err := Encode(e)
		if err != nil {
			return err
		}
		_, _ = out.Write(binary.AppendUvarint(nil, uint64(len(data))))
		_, _ = out.Write(data)
	}
	_ = out.WriteByte(0)
	if err := out.Flush(); err != nil {
		return errs.E(errs.Unavailable, op, err)
	}
	_, err := w.Write(binary.BigEndian.AppendUint32(nil, sum.Sum32()))
	return errs.E(errs.Unavailable, op, err)
}

// log is the entries that rebuild the record.
func (s *State) log() iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		_ = s.sessionLog(yield) && s.jobLog(yield) && s.processLog(yield)
	}
}

func (s *State) sessionLog(yield func(Entry) bool) bool {
	for _, o := range s.Sessions() {
		if !yield(OpenSession{o.ID, o.User, o.Client, o.Server}) {
			return false
		}
		for _, v := range o.Values() {
			if !yield(SessionPut{o.ID, v.Key, v.Value}) {
				return false
			}
		}
	}
	return true
}

func (s *State) jobLog(yield func(Entry) bool) bool {
	for _, j := range s.Jobs() {
		if !yield(SubmitJob{Job: j.ID, Session: j.Session, Stages: j.Stages, Plan: j.Plan, Operation: j.Operation, Spec: j.Spec}) {
			return false
		}
		for _, stage := range slices.Sorted(maps.Keys(j.Done)) {
			if !yield(StageDone{j.ID, stage, j.Done[stage]}) {
				return false
			}
		}
		for chosen := range slices.Chunk(slices.Sorted(maps.Keys(j.Chosen)), MaxCommitted) {
			e := Choose{Job: j.ID, Attempts: make(map[int]int, len(chosen))}
			for _, p := range chosen {
				e.Attempts[p] = j.Chosen[p]
			}
			if !yield(e) {
				return false
			}
		}
		if j.Status == Committing && !yield(Commit{j.ID}) {
			return false
		}
	}
	return true
}

func (s *State) processLog(yield func(Entry) bool) bool {
	for _, w := range s.Workers() {
		if !yield(WorkerJoined{w.Name, w.Epoch, w.Addresses}) {
			return false
		}
	}
	for _, m := range s.Members() {
		if !yield(MemberUp(m)) {
			return false
		}
	}
	for _, c := range s.clients() {
		a := s.answers[c]
		if !yield(answered{c, a.sequence, a.result}) {
			return false
		}
	}
	return true
}

// Load reads a snapshot. It holds no more memory than the entries it has read.
func Load(r io.Reader) (*State, error) {
	const op = "record.Load"
	in := &summed{in: bufio.NewReaderSize(r, 64<<10), sum: castagnoli()}
	head := make([]byte, len(magic))
	if _, err := io.ReadFull(in, head); err != nil || string(head) != magic {
		return nil, errs.Errorf(errs.Corrupt, op, "this is no snapshot of a record")
	}
	s := New()
	for {
		e, err := in.entry()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = s.restore(e)
		}
		if err != nil {
			return nil, errs.E(errs.Corrupt, op, err)
		}
	}
	want := in.sum.Sum32()
	var sum [4]byte
	if _, err := io.ReadFull(in.in, sum[:]); err != nil || binary.BigEndian.Uint32(sum[:]) != want {
		return nil, errs.Errorf(errs.Corrupt, op, "the checksum of the snapshot is not the one of its bytes")
	}
	return s, nil
}

// restore applies an entry of a snapshot. A job may have outlived its session.
func (s *State) restore(e Entry) error {
	switch e := e.(type) {
	case SubmitJob:
		if s.jobs[e.Job] == nil {
			return s.addJob("record.Load", e)
		}
	case Request:
		return errs.Errorf(errs.Corrupt, "record.Load", "a snapshot holds no requests")
	}
	return s.Apply(e)
}

// summed reads what a checksum covers.
type summed struct {
	in  *bufio.Reader
	sum hash.Hash32
}

func (r *summed) Read(p []byte) (int, error) {
	n, err := r.in.Read(p)
	_, _ = r.sum.Write(p[:n])
	return n, err
}

// ReadByte is Read of one byte, for the lengths.
func (r *summed) ReadByte() (byte, error) {
	b, err := r.in.ReadByte()
	if err == nil {
		_, _ = r.sum.Write([]byte{b})
	}
	return b, err
}

// entry reads the next entry; io.EOF after the last, and at no other place.
func (r *summed) entry() (Entry, error) {
	n, err := binary.ReadUvarint(r)
	switch {
	case err != nil || n > MaxEntry:
		return nil, errs.Errorf(errs.Corrupt, "record.Load", "the snapshot ends early, or has an entry of %d bytes", n)
	case n == 0:
		return nil, io.EOF
	}
	var data bytes.Buffer // grows with what comes, not with what is announced
	if _, err := io.CopyN(&data, r, int64(n)); err != nil {
		return nil, errs.Errorf(errs.Corrupt, "record.Load", "the snapshot ends within an entry")
	}
	return decode(data.Bytes())
}

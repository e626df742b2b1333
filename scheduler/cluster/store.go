package cluster

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/hashicorp/raft"
	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/spurwheel/spurwheel/internal/errs"
)

// store keeps raft's log and its votes in one file of two buckets. What a
// method has stored is on disk when it returns: raft tells others that they may
// rely on it.
type store struct{ db *bbolt.DB }

var (
	_ raft.LogStore    = (*store)(nil)
	_ raft.StableStore = (*store)(nil)
)

// Names of the buckets.
const (
	logBucket    = "log"
	stableBucket = "stable"
)

// lockWait is how long a predecessor's process may take to let go of the file.
const lockWait = 2 * time.Second

func openStore(dir string, unsynced bool) (*store, error) {
	const op = "cluster.openStore"
	path := filepath.Join(dir, "raft.db")
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{
		Timeout: lockWait, FreelistType: bbolt.FreelistMapType, NoFreelistSync: true, NoSync: unsynced,
	})
	if errors.Is(err, bolterrors.ErrTimeout) {
		return nil, errs.Errorf(errs.Exists, op, "%s is in use by another scheduler", path)
	}
	if err != nil {
		return nil, errs.E(kindOfStore(err), op, err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		for _, name := range []string{logBucket, stableBucket} {
			if _, err := tx.CreateBucketIfNotExists([]byte(name)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, errors.Join(errs.E(errs.Other, op, err), db.Close())
	}
	return &store{db}, nil
}

func kindOfStore(err error) errs.Kind {
	switch {
	case errors.Is(err, bolterrors.ErrInvalid), errors.Is(err, bolterrors.ErrChecksum), errors.Is(err, bolterrors.ErrVersionMismatch):
		return errs.Corrupt
	case errors.Is(err, os.ErrPermission):
		return errs.Permission
	}
	return errs.Other
}

func (s *store) close() error { return s.db.Close() }

// FirstIndex is 0 where there is no entry.
func (s *store) FirstIndex() (uint64, error) { return s.edge((*bbolt.Cursor).First) }

// LastIndex is 0 where there is no entry.
func (s *store) LastIndex() (uint64, error) { return s.edge((*bbolt.Cursor).Last) }

func (s *store) edge(seek func(*bbolt.Cursor) (key, value []byte)) (index uint64, err error) {
	err = s.db.View(func(tx *bbolt.Tx) error {
		if key, _ := seek(tx.Bucket([]byte(logBucket)).Cursor()); key != nil {
			index = binary.BigEndian.Uint64(key)
		}
		return nil
	})
	return index, err
}

// GetLog reads an entry; raft.ErrLogNotFound where there is none.
func (s *store) GetLog(index uint64, l *raft.Log) error {
	return s.db.View(func(tx *bbolt.Tx) error {
		data := tx.Bucket([]byte(logBucket)).Get(key(index))
		if data == nil {
			return raft.ErrLogNotFound
		}
		return decodeLog(data, index, l)
	})
}

// StoreLog stores one entry.
func (s *store) StoreLog(l *raft.Log) error { return s.StoreLogs([]*raft.Log{l}) }

// StoreLogs stores entries in one transaction, however many raft has gathered:
// what it costs is to wait for the disk.
func (s *store) StoreLogs(logs []*raft.Log) error {
	return s.db.Update(func(tx *bbolt.Tx) error {
		b := tx.Bucket([]byte(logBucket))
		for _, l := range logs {
			if err := b.Put(key(l.Index), encodeLog(l)); err != nil {
				return err
			}
		}
		return nil
	})
}

// DeleteRange deletes both ends too.
func (s *store) DeleteRange(first, last uint64) error {
	return s.db.Update(func(tx *bbolt.Tx) error {
		c := tx.Bucket([]byte(logBucket)).Cursor()
		for k, _ := c.Seek(key(first)); k != nil && bytes.Compare(k, key(last)) <= 0; k, _ = c.Next() {
			if err := c.Delete(); err != nil {
				return err
			}
		}
		return nil
	})
}

// errNoValue has the words that raft asks for.
var errNoValue = errors.New("not found")

// Get reads a value of the stable bucket.
func (s *store) Get(name []byte) (value []byte, err error) {
	err = s.db.View(func(tx *bbolt.Tx) error {
		if v := tx.Bucket([]byte(stableBucket)).Get(name); v != nil {
			value = bytes.Clone(v)
			return nil
		}
		return errNoValue
	})
	return value, err
}

// Set stores a value.
func (s *store) Set(name, value []byte) error {
	return s.db.Update(func(tx *bbolt.Tx) error { return tx.Bucket([]byte(stableBucket)).Put(name, value) })
}

// GetUint64 is 0 where there is no value.
func (s *store) GetUint64(name []byte) (uint64, error) {
	v, err := s.Get(name)
	switch {
	case errors.Is(err, errNoValue):
		return 0, nil
	case err == nil && len(v) != 8:
		return 0, errs.Errorf(errs.Corrupt, "cluster.store", "%s has %d bytes", name, len(v))
	case err != nil:
		return 0, err
	}
	return binary.BigEndian.Uint64(v), nil
}

// SetUint64 stores a number.
func (s *store) SetUint64(name []byte, n uint64) error { return s.Set(name, key(n)) }

// key orders numbers as bytes.
func key(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// logHead is what stands before an entry's data: version, type, term, time and
// the length of the data; extensions follow it.
const logHead = 1 + 1 + 8 + 8 + 4

const logVersion = 1

func encodeLog(l *raft.Log) []byte {
	out := make([]byte, 0, logHead+len(l.Data)+len(l.Extensions))
	out = append(out, logVersion, byte(l.Type))
	out = binary.BigEndian.AppendUint64(out, l.Term)
	var at int64
	if !l.AppendedAt.IsZero() {
		at = l.AppendedAt.UnixNano()
	}
	out = binary.BigEndian.AppendUint64(out, uint64(at))
	out = binary.BigEndian.AppendUint32(out, uint32(len(l.Data)))
	return append(append(out, l.Data...), l.Extensions...)
}

// decodeLog copies: data is the database's.
func decodeLog(data []byte, index uint64, l *raft.Log) error {
	if len(data) < logHead || data[0] != logVersion || uint64(binary.BigEndian.Uint32(data[18:])) > uint64(len(data)-logHead) {
		return errs.Errorf(errs.Corrupt, "cluster.store", "entry %d of the log is damaged", index)
	}
	rest := bytes.Clone(data[logHead:])
	n := binary.BigEndian.Uint32(data[18:])
	*l = raft.Log{Index: index, Type: raft.LogType(data[1]), Term: binary.BigEndian.Uint64(data[2:]), Data: rest[:n:n]}
	if at := int64(binary.BigEndian.Uint64(data[10:])); at != 0 {
		l.AppendedAt = time.Unix(0, at)
	}
	if len(rest) > int(n) {
		l.Extensions = rest[n:]
	}
	return nil
}

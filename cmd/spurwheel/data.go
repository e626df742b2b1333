package main

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"

	"github.com/spurwheel/spurwheel/internal/errs"
)

// dataFolder is the server's own folder for as long as it is open.
type dataFolder struct{ lock *os.File }

// openDataFolder makes the folder, readable by its user only, and locks it: two servers in one folder would delete each
// other's spilled data. The lock goes away with the process, however it ends.
func openDataFolder(path string) (*dataFolder, error) {
	const op = "data folder"
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, errs.E(kindOfFileError(err), op, err)
	}
	lock, err := os.OpenFile(filepath.Join(path, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, errs.E(kindOfFileError(err), op, err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = lock.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, errs.Errorf(errs.Conflict, op, "%s is in use by another server: choose another one with --data", path)
		}
		return nil, errs.E(errs.Other, op, err)
	}
	return &dataFolder{lock: lock}, nil
}

// Close lets the next server in.
func (d *dataFolder) Close() error { return d.lock.Close() }

func kindOfFileError(err error) errs.Kind {
	if errors.Is(err, os.ErrPermission) {
		return errs.Permission
	}
	return errs.Other
}

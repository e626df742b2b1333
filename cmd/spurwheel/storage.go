package main

import (
	"github.com/spurwheel/spurwheel/connectors/format"
	"github.com/spurwheel/spurwheel/connectors/local"
	"github.com/spurwheel/spurwheel/connectors/mux"
	"github.com/spurwheel/spurwheel/connectors/parquet"
	"github.com/spurwheel/spurwheel/internal/config"
	"github.com/spurwheel/spurwheel/internal/mem"
	"github.com/spurwheel/spurwheel/internal/vfs"
)

// storage puts together what the process reads and writes.
func storage(config.Config) (vfs.FS, map[string]format.Format) {
	pool := &mem.Pool{}
	fs := mux.New(map[string]vfs.FS{"file": local.New(pool)})
	formats := map[string]format.Format{}
	for _, f := range []format.Format{parquet.New(pool)} {
		formats[f.Name()] = f
	}
	return fs, formats
}

package main

import (
	"os"
	"strconv"
	"time"

	"github.com/spurwheel/spurwheel/connectors/binaryfile"
	"github.com/spurwheel/spurwheel/connectors/csv"
	"github.com/spurwheel/spurwheel/connectors/format"
	"github.com/spurwheel/spurwheel/connectors/json"
	"github.com/spurwheel/spurwheel/connectors/local"
	"github.com/spurwheel/spurwheel/connectors/mux"
	"github.com/spurwheel/spurwheel/connectors/parquet"
	"github.com/spurwheel/spurwheel/connectors/s3"
	"github.com/spurwheel/spurwheel/connectors/text"
	"github.com/spurwheel/spurwheel/internal/config"
	"github.com/spurwheel/spurwheel/internal/mem"
	"github.com/spurwheel/spurwheel/internal/vfs"
)

// storage puts together what the process reads and writes: stores under the
// server's settings, or a session's over them, and formats.
func storage(settings config.Config) (stores func(own map[string]string) vfs.FS, _ map[string]format.Format) {
	return storageOver(&mem.Pool{}, settings)
}

// storageOver is storage whose pages come from pool.
func storageOver(pool *mem.Pool, settings config.Config) (stores func(own map[string]string) vfs.FS, _ map[string]format.Format) {
	objects, files := s3.NewStores(pool, bucketKeys(settings.S3), os.Getenv), local.New(pool)
	with := func(o *s3.FS) vfs.FS { return mux.New(map[string]vfs.FS{"file": files, "s3": o, "s3a": o}) }
	servers := with(objects.With(nil))
	stores = func(own map[string]string) vfs.FS {
		if len(own) == 0 {
			return servers
		}
		return with(objects.With(own))
	}
	formats := map[string]format.Format{}
	for _, f := range []format.Format{parquet.New(pool), csv.New(time.Now), json.New(time.Now), text.New(), binaryfile.New()} {
		formats[f.Name()] = f
	}
	return stores, formats
}

// bucketKeys says the settings in Hadoop's words, which the connector speaks.
func bucketKeys(c config.S3) s3.Keys {
	k := s3.Keys{
		"fs.s3a.endpoint": c.Endpoint, "fs.s3a.endpoint.region": c.Region,
		"fs.s3a.access.key": string(c.AccessKey), "fs.s3a.secret.key": string(c.SecretKey), "fs.s3a.session.token": string(c.SessionToken),
	}
	if c.PathStyle {
		k["fs.s3a.path.style.access"] = strconv.FormatBool(c.PathStyle)
	}
	return k
}

// Package config holds the settings of a node as one typed value: names, defaults, checks. It does not know where settings
// are written (file, environment, flags: that is cmd's) nor who uses them.
package config

import (
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/spurwheel/spurwheel/internal/errs"
)

// Config is every setting. The tag is the setting's key; nested keys are joined with a dot. Zero means the default.
type Config struct {
	// Connect is the address of the Spark Connect listener, host:port; port 0 takes a free one.
	Connect string `koanf:"connect"`
	// HTTP is the address of the listener for /healthz, /metrics and the web.
	HTTP string `koanf:"http"`
	// InsecureIKnow allows addresses that other machines reach, although nobody who calls is asked who he is.
	InsecureIKnow bool `koanf:"insecure-i-know"`
	// Data is the folder that keeps the node's state and spilled data.
	Data string `koanf:"data"`
	// Memory is the budget of everything that buffers. Default: 70 % of what the machine or the cgroup grants.
	Memory Size `koanf:"memory"`
	// Threads is how many threads one task may use. Default: the processors the process may use.
	Threads int `koanf:"threads"`
	// Workers is how many processes run tasks; 1, the default, keeps everything in the server's own.
	Workers int `koanf:"workers"`
	// Schedulers is how many scheduler processes `up` starts; 0, the default, plays all roles in one process.
	Schedulers int `koanf:"schedulers"`
	// Warehouse is the folder of managed tables; every process of a cluster must reach it. Default: in the data folder.
	Warehouse string `koanf:"warehouse"`

	// TLS is a folder of this node's certificates (spurwheel tls issue); empty: no TLS, and addresses of this machine only.
	TLS string `koanf:"tls"`
	// Tokens is the file of clients' tokens (spurwheel tls token); empty: clients are not asked who they are.
	Tokens string `koanf:"tokens"`

	Cluster Cluster `koanf:"cluster"`

	Log Log `koanf:"log"`
	S3  S3  `koanf:"s3"`

	Testing Testing `koanf:"testing"`
}

// Cluster is what a process of one role needs to find the others.
type Cluster struct {
	// Name is the process's own; a scheduler keeps its name for life, a worker's default is new at every start.
	Name string `koanf:"name"`
	// Join lists inner addresses of schedulers, separated by commas.
	Join string `koanf:"join"`
	// Expect is how many schedulers form a new group: 1, 3 or 5; 0 joins one that is there.
	Expect int `koanf:"expect"`
	// Listen is the inner address: a scheduler's for workers and gateways, a worker's for readers of its stored rows.
	Listen string `koanf:"listen"`
	// Raft is the address where a scheduler hears the others.
	Raft string `koanf:"raft"`
	// Key is the file of 32 bytes that members share.
	Key string `koanf:"key"`
}

// Addresses are the schedulers to join.
func (c Cluster) Addresses() []string {
	return strings.FieldsFunc(c.Join, func(r rune) bool { return r == ',' || r == ' ' })
}

func (c *Config) checkCluster() error {
	for _, err := range []error{
		checkAddress("cluster.listen", c.Cluster.Listen, c.TLS != ""),
		checkAddress("cluster.raft", c.Cluster.Raft, c.TLS != ""),
		checkOneOf("schedulers", strconv.Itoa(c.Schedulers), "0", "1", "3", "5"),
		checkOneOf("cluster.expect", strconv.Itoa(c.Cluster.Expect), "0", "1", "3", "5"),
	} {
		if err != nil {
			return err
		}
	}
	return nil
}

// Log says what is logged and how.
type Log struct {
	// Level is debug, info, warn or error.
	Level string `koanf:"level"`
	// Format is text, json, or auto: text on a terminal, json elsewhere.
	Format string `koanf:"format"`
}

// S3 is what a bucket is reached with unless a session says otherwise by Spark's fs.s3a.* keys. Empty credentials leave the
// choice to the AWS environment variables.
type S3 struct {
	Endpoint     string `koanf:"endpoint"` // host, host:port or URL; empty: AWS
	Region       string `koanf:"region"`
	AccessKey    Secret `koanf:"access-key"`
	SecretKey    Secret `koanf:"secret-key"`
	SessionToken Secret `koanf:"session-token"`
	// PathStyle puts the bucket into the path instead of the host name, as most stores besides AWS want it.
	PathStyle bool `koanf:"path-style"`
}

// Testing cuts work otherwise than the engine would. No answer depends on it, which tests prove; it only costs time.
type Testing struct {
	// BatchRows is how many rows operators pass on at once; 0 is the engine's choice.
	BatchRows int `koanf:"batch-rows"`
	// SpillBeyond makes every operator that buffers write to disk beyond so many bytes, whatever memory there is; 0: only when
	// the budget is used up.
	SpillBeyond Size `koanf:"spill-beyond"`
}

// Secret is a string that does not show in logs or messages.
type Secret string

const hidden = "***"

// String hides the value and tells whether there is one.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return hidden
}

// GoString hides the value from %#v too.
func (s Secret) GoString() string { return s.String() }

// LogValue hides the value from slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// The defaults that do not depend on the machine.
const (
	DefaultConnect = "127.0.0.1:15002" // Spark's own port
	DefaultHTTP    = "127.0.0.1:8080"
	DefaultInner   = "127.0.0.1:0"
)

const (
	// MinMemory is what one batch per thread and the buffers of one reader take at least.
	MinMemory Size = 32 << 20
	// MaxThreads is far above any machine: it catches a memory size given as threads.
	MaxThreads = 4096
	// MaxWorkers bounds the processes of one machine.
	MaxWorkers = 64
	// MaxBatchRows bounds what one batch costs where somebody sets its size.
	MaxBatchRows = 1 << 16
	// memoryShare of what the machine grants is ours; the rest is the heap's slack, stacks and the page cache.
	memoryShare = 0.7
	// fallbackMemory is the budget where the machine does not tell its memory.
	fallbackMemory Size = 2 << 30
)

// Validate fills in defaults and refuses what cannot work.
func (c *Config) Validate() error { return c.validate(thisHost()) }

func (c *Config) validate(h host) error {
	c.fill(h)
	for _, check := range []error{
		checkAddress("connect", c.Connect, c.InsecureIKnow || c.TLS != "" && c.Tokens != ""),
		checkAddress("http", c.HTTP, c.InsecureIKnow),
		checkRange("memory", c.Memory >= MinMemory, c.Memory, "at least "+MinMemory.String()),
		checkRange("workers", c.Workers >= 1 && c.Workers <= MaxWorkers, c.Workers, "1 to "+strconv.Itoa(MaxWorkers)),
		checkRange("threads", c.Threads >= 1 && c.Threads <= MaxThreads, c.Threads, "1 to "+strconv.Itoa(MaxThreads)),
		checkRange("testing.batch-rows", c.Testing.BatchRows >= 0 && c.Testing.BatchRows <= MaxBatchRows, c.Testing.BatchRows, "0 to "+strconv.Itoa(MaxBatchRows)),
		checkRange("testing.spill-beyond", c.Testing.SpillBeyond >= 0, c.Testing.SpillBeyond, "0 or more"),
		checkOneOf("log.level", c.Log.Level, "debug", "info", "warn", "error"),
		checkOneOf("log.format", c.Log.Format, "auto", "text", "json"),
		c.S3.check(),
		c.checkCluster(),
	} {
		if check != nil {
			return errs.E(errs.Invalid, "", check)
		}
	}
	return nil
}

func (c *Config) fill(h host) {
	fill(&c.Connect, DefaultConnect)
	fill(&c.HTTP, DefaultHTTP)
	fill(&c.Cluster.Listen, DefaultInner)
	fill(&c.Cluster.Raft, DefaultInner)
	if c.Cluster.Expect == 0 && c.Cluster.Join == "" {
		c.Cluster.Expect = 1
	}
	fill(&c.Log.Level, "info")
	fill(&c.Log.Format, "auto")
	if c.Data == "" {
		c.Data = h.stateFolder()
	}
	if abs, err := filepath.Abs(c.Data); err == nil {
		c.Data = abs
	}
	fill(&c.Warehouse, filepath.Join(c.Data, "warehouse"))
	if c.Memory == 0 {
		c.Memory = h.memory()
	}
	if c.Workers == 0 {
		c.Workers = 1
	}
	if c.Threads == 0 {
		c.Threads = min(h.threads, MaxThreads)
	}
}

func fill(field *string, value string) {
	if *field == "" {
		*field = value
	}
}

func (s S3) check() error {
	if (s.AccessKey == "") != (s.SecretKey == "") {
		return fmt.Errorf("s3.access-key and s3.secret-key: one is set without the other")
	}
	return nil
}

// checkAddress wants host:port, and a host that only this machine reaches unless the user insists: whoever reaches the port
// reads files as the user the server runs as.
func checkAddress(key, address string, allowed bool) error {
	hostname, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("%s %q: want host:port", key, address)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Errorf("%s %q: the port is not a number up to 65535", key, address)
	}
	if allowed || hostname == "localhost" {
		return nil
	}
	if ip := net.ParseIP(hostname); ip != nil && ip.IsLoopback() {
		return nil
	}
	return fmt.Errorf("%s %q is reached from other machines and nothing there asks who calls: give it certificates with tls (and clients tokens), see docs/security.md, or for clients' addresses set insecure-i-know", key, address)
}

func checkRange(key string, ok bool, value any, want string) error {
	if ok {
		return nil
	}
	return fmt.Errorf("%s %v: want %s", key, value, want)
}

func checkOneOf(key, value string, allowed ...string) error {
	if slices.Contains(allowed, value) {
		return nil
	}
	return fmt.Errorf("%s %q: want one of %v", key, value, allowed)
}

// Keys lists the key of every setting in the order of the fields.
func Keys() []string { return keysOf(reflect.TypeFor[Config](), "") }

func keysOf(t reflect.Type, prefix string) []string {
	var keys []string
	for field := range t.Fields() {
		key := prefix + field.Tag.Get("koanf")
		if field.Type.Kind() == reflect.Struct {
			keys = append(keys, keysOf(field.Type, key+".")...)
			continue
		}
		keys = append(keys, key)
	}
	return keys
}

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	koanfmaps "github.com/knadh/koanf/maps"
	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/v2"
	"github.com/spf13/pflag"

	"github.com/spurwheel/spurwheel/internal/config"
	"github.com/spurwheel/spurwheel/internal/errs"
)

const (
	envPrefix = "SPURWHEEL_"
	envConfig = envPrefix + "CONFIG" // names the file, so it cannot be a setting in it

	// maxConfigFile is far above any hand-written file; a wrong path (a data file, /dev/zero) must not fill the memory.
	maxConfigFile = 1 << 20
)

// flagKeys maps flags to the keys of settings. Settings that are not here have no flag.
var flagKeys = map[string]string{
	"connect":         "connect",
	"http":            "http",
	"insecure-i-know": "insecure-i-know",
	"data":            "data",
	"memory":          "memory",
	"threads":         "threads",
	"workers":         "workers",
	"schedulers":      "schedulers",
	"name":            "cluster.name",
	"join":            "cluster.join",
	"expect":          "cluster.expect",
	"listen":          "cluster.listen",
	"raft":            "cluster.raft",
	"cluster-key":     "cluster.key",
	"warehouse":       "warehouse",
	"tls":             "tls",
	"tokens":          "tokens",
	"log-level":       "log.level",
	"log-format":      "log.format",
}

func commonFlags(flags *pflag.FlagSet) {
	flags.String("config", "", "settings file in YAML (default: spurwheel.yaml in the user's configuration folder, if there)")
	flags.String("log-level", "", "debug, info, warn or error (default info)")
	flags.String("log-format", "", "text, json or auto: text on a terminal (default auto)")
}

func serverFlags(flags *pflag.FlagSet) {
	flags.String("connect", "", "address of Spark Connect (default "+config.DefaultConnect+")")
	flags.String("http", "", "address of /healthz and /metrics (default "+config.DefaultHTTP+")")
	securityFlags(flags)
	flags.Bool("insecure-i-know", false, "allow addresses that other machines reach, without authentication")
	flags.String("data", "", "folder for state and spilled data (default: the user's state folder)")
	flags.String("memory", "", "memory budget, like 4GiB (default: 70% of the machine's or the cgroup's)")
	flags.Int("threads", 0, "threads of one task (default: the processors granted)")
	flags.Int("workers", 0, "processes that run tasks (default 1: this one)")
}

func securityFlags(flags *pflag.FlagSet) {
	flags.String("tls", "", "folder of this node's certificates, of \"spurwheel tls issue\" (default: none, and addresses of this machine only)")
	flags.String("tokens", "", "file of clients' tokens, of \"spurwheel tls token\" (default: clients are not asked who they are)")
}

// layer is one place that settings come from: its known keys with their values, and the names it holds that mean nothing.
type layer struct {
	values  map[string]any
	unknown []string
}

// loadSettings reads the file, then the environment, then the flags that were given; the last one wins. Unknown names are
// returned once each, for a warning: a file may be shared with a newer version.
func loadSettings(environ []string, flags *pflag.FlagSet) (c config.Config, unknown []string, err error) {
	path, required := configPath(environ, flags)
	file, err := fileLayer(path, required)
	if err != nil {
		return c, nil, errs.E(errs.Invalid, "", err)
	}
	merged := koanf.New(".")
	for _, l := range []layer{file, envLayer(environ), flagLayer(flags)} {
		if err := merged.Load(confmap.Provider(l.values, "."), nil); err != nil {
			return c, nil, errs.E(errs.Internal, "settings", err)
		}
		unknown = append(unknown, l.unknown...)
	}
	if err := merged.Unmarshal("", &c); err != nil {
		return c, nil, errs.Errorf(errs.Invalid, "", "settings: %s", strings.Join(strings.Fields(err.Error()), " "))
	}
	slices.Sort(unknown)
	return c, slices.Compact(unknown), c.Validate()
}

// configPath prefers the flag to the environment to the user's own file. Only the last may be missing.
func configPath(environ []string, flags *pflag.FlagSet) (path string, required bool) {
	if f := flags.Lookup("config"); f != nil && f.Changed {
		return f.Value.String(), true
	}
	var xdg, home string
	for _, variable := range environ {
		name, value, _ := strings.Cut(variable, "=")
		switch name {
		case envConfig:
			return value, true
		case "XDG_CONFIG_HOME":
			xdg = value
		case "HOME":
			home = value
		}
	}
	if xdg == "" && home != "" {
		xdg = filepath.Join(home, ".config")
	}
	if xdg == "" {
		return "", false
	}
	return filepath.Join(xdg, "spurwheel", "spurwheel.yaml"), false
}

func fileLayer(path string, required bool) (layer, error) {
	if path == "" {
		return layer{}, nil
	}
	info, err := os.Stat(path)
	if os.IsNotExist(err) && !required {
		return layer{}, nil
	}
	if err != nil {
		return layer{}, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxConfigFile {
		return layer{}, fmt.Errorf("%s is not a settings file: want a regular file of at most %s", path, config.Size(maxConfigFile))
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return layer{}, err
	}
	nested, err := yaml.Parser().Unmarshal(raw)
	if err != nil {
		return layer{}, fmt.Errorf("%s: %w", path, err)
	}
	koanfmaps.IntfaceKeysToStrings(nested)
	// Flat, so that "s3.endpoint: x" and "s3: {endpoint: x}" mean the same.
	flat, _ := koanfmaps.Flatten(nested, nil, ".")
	return split(flat), nil
}

// split tells the known keys of a layer from the others.
func split(flat map[string]any) layer {
	keys := config.Keys()
	l := layer{values: map[string]any{}}
	for key, value := range flat {
		switch section, isMap := value.(map[string]any); {
		case slices.Contains(keys, key):
			l.values[key] = value
		case isMap && len(section) == 0: // an empty section says nothing
		default:
			l.unknown = append(l.unknown, key)
		}
	}
	return l
}

func envName(key string) string {
	return envPrefix + strings.ToUpper(strings.NewReplacer(".", "_", "-", "_").Replace(key))
}

func envLayer(environ []string) layer {
	keyOf := map[string]string{}
	for _, key := range config.Keys() {
		keyOf[envName(key)] = key
	}
	flat := map[string]any{}
	for _, variable := range environ {
		name, value, _ := strings.Cut(variable, "=")
		if !strings.HasPrefix(name, envPrefix) || name == envConfig {
			continue
		}
		if key, ok := keyOf[name]; ok {
			name = key
		}
		flat[name] = value
	}
	return split(flat)
}

func flagLayer(flags *pflag.FlagSet) layer {
	l := layer{values: map[string]any{}}
	flags.Visit(func(f *pflag.Flag) { // visits those that were given
		if key, ok := flagKeys[f.Name]; ok {
			l.values[key] = f.Value.String()
		}
	})
	return l
}

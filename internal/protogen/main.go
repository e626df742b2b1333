// Command protogen writes the Go code of the protobuf messages under api/, without protoc and without Python.
// It knows where descriptors come from and how the two Go plugins are run; it knows nothing of what the messages mean.
//
// Descriptors come from one of three places, told apart by what -in names:
//
//   - a folder of *_pb2.py files: the descriptors a Spark release publishes inside its Python client (once per protocol bump);
//   - a .binpb file: the same descriptors, as an earlier run saved them with -desc;
//   - a folder of .proto files: our own sources, compiled here.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"strings"

	"google.golang.org/protobuf/types/descriptorpb"
)

type options struct {
	in   string // descriptors or sources
	root string // import root of .proto sources
	out  string // folder of the generated files
	pkg  string // Go import path of that folder
	name string // Go package name
	desc string // where to save the descriptors, or nothing
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("protogen: ")
	var o options
	flag.StringVar(&o.in, "in", "", "folder of *_pb2.py or *.proto files, or a saved .binpb")
	flag.StringVar(&o.root, "root", "api", "import root of .proto files")
	flag.StringVar(&o.out, "out", "", "folder to write *.pb.go to")
	flag.StringVar(&o.pkg, "pkg", "", "Go import path of that folder")
	flag.StringVar(&o.name, "name", "", "Go package name")
	flag.StringVar(&o.desc, "desc", "", "also save the descriptors to this file")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o); err != nil {
		log.Print(err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	if o.in == "" || o.out == "" || o.pkg == "" || o.name == "" {
		return errors.New("-in, -out, -pkg and -name are required")
	}
	set, err := load(ctx, o)
	if err != nil {
		return fmt.Errorf("read descriptors from %s: %w", o.in, err)
	}
	if o.desc != "" {
		if err := saveSet(o.desc, set); err != nil {
			return err
		}
	}
	files, err := generate(ctx, set, ours(set), o)
	if err != nil {
		return err
	}
	return writeAll(o.out, files)
}

func load(ctx context.Context, o options) (*descriptorpb.FileDescriptorSet, error) {
	if strings.HasSuffix(o.in, ".binpb") {
		return loadSet(o.in)
	}
	python, err := filepath.Glob(filepath.Join(o.in, "*_pb2.py"))
	if err != nil {
		return nil, err
	}
	if len(python) > 0 {
		return fromPython(python)
	}
	sources, err := filepath.Glob(filepath.Join(o.in, "*.proto"))
	if err != nil {
		return nil, err
	}
	if len(sources) == 0 {
		return nil, errors.New("neither *_pb2.py nor *.proto files there")
	}
	return compile(ctx, o.root, sources)
}

// ours lists the files to generate code for. The set also holds google/*, whose Go code lives in the protobuf module:
// a second copy of it would not build.
func ours(set *descriptorpb.FileDescriptorSet) []string {
	var names []string
	for _, f := range set.GetFile() {
		if !strings.HasPrefix(f.GetName(), "google/") {
			names = append(names, f.GetName())
		}
	}
	return names
}

package main

import (
	"fmt"
	"os"
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	_ "google.golang.org/protobuf/types/known/anypb"       // google/protobuf/any.proto, for the registry
	_ "google.golang.org/protobuf/types/known/timestamppb" // google/protobuf/timestamp.proto, for the registry
)

// loadSet reads descriptors that saveSet wrote.
func loadSet(path string) (*descriptorpb.FileDescriptorSet, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	set := new(descriptorpb.FileDescriptorSet)
	if err := proto.Unmarshal(raw, set); err != nil {
		return nil, err
	}
	return set, nil
}

// saveSet writes the set so that equal descriptors give equal bytes.
func saveSet(path string, set *descriptorpb.FileDescriptorSet) error {
	raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(set)
	if err != nil {
		return err
	}
	return os.WriteFile(path, raw, 0o644)
}

// closeOver adds the imports that the Go registry has and puts every file behind the files it imports, which is the
// order the plugins ask for. Files that import nothing keep the order of their names, so the result does not depend on
// the order of the input.
func closeOver(files []*descriptorpb.FileDescriptorProto) (*descriptorpb.FileDescriptorSet, error) {
	c := closure{known: map[string]*descriptorpb.FileDescriptorProto{}, done: map[string]bool{}}
	names := make([]string, 0, len(files))
	for _, f := range files {
		c.known[f.GetName()] = f
		names = append(names, f.GetName())
	}
	slices.Sort(names)
	for _, name := range names {
		if err := c.add(name); err != nil {
			return nil, err
		}
	}
	return &c.set, nil
}

type closure struct {
	known map[string]*descriptorpb.FileDescriptorProto
	done  map[string]bool
	set   descriptorpb.FileDescriptorSet
}

// add appends the file behind its imports. It recurses as deep as the import chain, which protobuf keeps free of cycles.
func (c *closure) add(name string) error {
	if c.done[name] {
		return nil
	}
	c.done[name] = true
	file, ok := c.known[name]
	if !ok {
		d, err := protoregistry.GlobalFiles.FindFileByPath(name)
		if err != nil {
			return fmt.Errorf("import %q: %w", name, err)
		}
		file = protodesc.ToFileDescriptorProto(d)
	}
	for _, dep := range file.GetDependency() {
		if err := c.add(dep); err != nil {
			return err
		}
	}
	c.set.File = append(c.set.File, file)
	return nil
}

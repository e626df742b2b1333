package main

import (
	"context"
	"path/filepath"

	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

// compile parses our own sources. Comments are kept, so that they reach the generated code.
func compile(ctx context.Context, root string, paths []string) (*descriptorpb.FileDescriptorSet, error) {
	names := make([]string, 0, len(paths))
	for _, path := range paths {
		name, err := filepath.Rel(root, path)
		if err != nil {
			return nil, err
		}
		names = append(names, filepath.ToSlash(name))
	}
	compiler := protocompile.Compiler{
		Resolver:       protocompile.WithStandardImports(&protocompile.SourceResolver{ImportPaths: []string{root}}),
		SourceInfoMode: protocompile.SourceInfoStandard,
	}
	compiled, err := compiler.Compile(ctx, names...)
	if err != nil {
		return nil, err
	}
	all := map[string]*descriptorpb.FileDescriptorProto{}
	for _, file := range compiled {
		collect(file, all)
	}
	files := make([]*descriptorpb.FileDescriptorProto, 0, len(all))
	for _, file := range all {
		files = append(files, file)
	}
	return closeOver(files)
}

// collect adds the file and everything it imports: the compiler returns only what it was asked for.
func collect(file protoreflect.FileDescriptor, all map[string]*descriptorpb.FileDescriptorProto) {
	if _, done := all[file.Path()]; done {
		return
	}
	all[file.Path()] = protodesc.ToFileDescriptorProto(file)
	imports := file.Imports()
	for i := range imports.Len() {
		collect(imports.Get(i).FileDescriptor, all)
	}
}

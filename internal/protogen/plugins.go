package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/pluginpb"
)

// toolsModfile pins the plugins apart from the main module: a tool line there would move the main module's versions.
const toolsModfile = "tools/go.mod"

type generated = pluginpb.CodeGeneratorResponse_File

// generate runs both plugins over the named files of the set and returns what they want written.
func generate(ctx context.Context, set *descriptorpb.FileDescriptorSet, names []string, o options) ([]*generated, error) {
	request := &pluginpb.CodeGeneratorRequest{
		FileToGenerate: names,
		Parameter:      new(parameter(names, o)),
		ProtoFile:      set.GetFile(),
	}
	input, err := proto.Marshal(request)
	if err != nil {
		return nil, err
	}
	var files []*generated
	for _, plugin := range []string{"protoc-gen-go", "protoc-gen-go-grpc"} {
		more, err := runPlugin(ctx, plugin, input)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", plugin, err)
		}
		files = append(files, more...)
	}
	return files, nil
}

// parameter maps each file to our package. The name behind the semicolon is needed: without it the package takes the
// name of the go_package option inside the descriptor, which Spark sets for its own build.
func parameter(names []string, o options) string {
	params := []string{"module=" + o.pkg}
	for _, name := range names {
		params = append(params, fmt.Sprintf("M%s=%s;%s", name, o.pkg, o.name))
	}
	return strings.Join(params, ",")
}

func runPlugin(ctx context.Context, plugin string, input []byte) ([]*generated, error) {
	cmd := exec.CommandContext(ctx, "go", "tool", "-modfile="+toolsModfile, plugin)
	var out bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(input), &out, os.Stderr
	if err := cmd.Run(); err != nil {
		return nil, err
	}
	response := new(pluginpb.CodeGeneratorResponse)
	if err := proto.Unmarshal(out.Bytes(), response); err != nil {
		return nil, err
	}
	if response.Error != nil {
		return nil, errors.New(response.GetError())
	}
	return response.GetFile(), nil
}

// writeAll replaces the generated files of the folder: those that are generated no more go away, so that a renamed
// source does not leave its old messages behind.
func writeAll(folder string, files []*generated) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	keep := map[string]bool{}
	for _, f := range files {
		path := filepath.Join(folder, filepath.FromSlash(f.GetName()))
		keep[path] = true
		if err := os.WriteFile(path, []byte(f.GetContent()), 0o644); err != nil {
			return err
		}
	}
	old, err := filepath.Glob(filepath.Join(folder, "*.pb.go"))
	if err != nil {
		return err
	}
	for _, path := range old {
		if !keep[path] {
			if err := os.Remove(path); err != nil {
				return err
			}
		}
	}
	return nil
}

package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
)

// skipped is published beside the protocol but no client or server speaks it.
const skipped = "example_plugins_pb2.py"

// fromPython takes the descriptors out of the *_pb2.py files that protoc wrote for Python. Each file hands its serialized
// FileDescriptorProto, as one bytes literal, to AddSerializedFile.
func fromPython(paths []string) (*descriptorpb.FileDescriptorSet, error) {
	var files []*descriptorpb.FileDescriptorProto
	for _, path := range paths {
		if filepath.Base(path) == skipped {
			continue
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		file, err := descriptorIn(source)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Base(path), err)
		}
		files = append(files, file)
	}
	return closeOver(files)
}

func descriptorIn(source []byte) (*descriptorpb.FileDescriptorProto, error) {
	_, rest, found := bytes.Cut(source, []byte("AddSerializedFile("))
	if !found {
		return nil, errors.New("no AddSerializedFile call")
	}
	raw, err := bytesLiteral(bytes.TrimLeft(rest, " \t\r\n"))
	if err != nil {
		return nil, err
	}
	file := new(descriptorpb.FileDescriptorProto)
	if err := proto.Unmarshal(raw, file); err != nil {
		return nil, err
	}
	return file, nil
}

// bytesLiteral decodes the Python literal b'…' or b"…" that source starts with.
func bytesLiteral(source []byte) ([]byte, error) {
	if len(source) < 2 || source[0] != 'b' || (source[1] != '\'' && source[1] != '"') {
		return nil, errors.New("no bytes literal")
	}
	quote, rest := source[1], source[2:]
	var out []byte
	for len(rest) > 0 {
		switch rest[0] {
		case quote:
			return out, nil
		case '\n':
			return nil, errors.New("line break in a bytes literal")
		case '\\':
			value, width, err := escape(rest)
			if err != nil {
				return nil, err
			}
			out, rest = append(out, value), rest[width:]
		default:
			out, rest = append(out, rest[0]), rest[1:]
		}
	}
	return nil, errors.New("bytes literal without end")
}

// escape decodes the escape sequence that s starts with, and tells how many bytes of s it takes.
func escape(s []byte) (value byte, width int, err error) {
	if len(s) < 2 {
		return 0, 0, errors.New("backslash at the end of a bytes literal")
	}
	switch s[1] {
	case 'n':
		return '\n', 2, nil
	case 'r':
		return '\r', 2, nil
	case 't':
		return '\t', 2, nil
	case '\\', '\'', '"':
		return s[1], 2, nil
	case 'x':
		return number(s, 2, 2, 16)
	case '0', '1', '2', '3', '4', '5', '6', '7':
		digits := 1
		for digits < 3 && 1+digits < len(s) && s[1+digits] >= '0' && s[1+digits] <= '7' {
			digits++
		}
		return number(s, 1, digits, 8)
	}
	return 0, 0, fmt.Errorf("unknown escape \\%c", s[1])
}

func number(s []byte, at, digits, base int) (value byte, width int, err error) {
	if len(s) < at+digits {
		return 0, 0, errors.New("escape cut short")
	}
	n, err := strconv.ParseUint(string(s[at:at+digits]), base, 8)
	return byte(n), at + digits, err
}

package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
)

func TestBytesLiteral(t *testing.T) {
	for _, c := range []struct {
		name, in, want, fails string
	}{
		{name: "single quotes", in: `b'ab"c')`, want: `ab"c`},
		{name: "double quotes", in: `b"it's"`, want: `it's`},
		{name: "letters", in: `b'\n\r\t\\\'\"'`, want: "\n\r\t\\'\""},
		{name: "hex then text", in: `b'\x0c\x64\x65f'`, want: "\x0cdef"},
		{name: "octal of one to three digits", in: `b'\0\12\1019'`, want: "\x00\nA9"},
		{name: "no literal", in: `'text'`, fails: "no bytes literal"},
		{name: "no end", in: `b'abc`, fails: "without end"},
		{name: "line break", in: "b'a\nb'", fails: "line break"},
		{name: "unknown escape", in: `b'\q'`, fails: `unknown escape \q`},
		{name: "short hex", in: `b'\x0`, fails: "cut short"},
		{name: "octal above a byte", in: `b'\777'`, fails: "out of range"},
		{name: "backslash last", in: `b'\`, fails: "backslash at the end"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := bytesLiteral([]byte(c.in))
			if c.fails != "" {
				require.ErrorContains(t, err, c.fails)
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.want, string(got))
		})
	}
}

func TestCloseOverPutsImportsFirst(t *testing.T) {
	a := &descriptorpb.FileDescriptorProto{Name: new("spark/a.proto"), Dependency: []string{"spark/b.proto", "google/protobuf/any.proto"}}
	b := &descriptorpb.FileDescriptorProto{Name: new("spark/b.proto")}
	for _, in := range [][]*descriptorpb.FileDescriptorProto{{a, b}, {b, a}} {
		set, err := closeOver(in)
		require.NoError(t, err)
		var names []string
		for _, f := range set.GetFile() {
			names = append(names, f.GetName())
		}
		require.Equal(t, []string{"spark/b.proto", "google/protobuf/any.proto", "spark/a.proto"}, names)
		require.Equal(t, []string{"spark/b.proto", "spark/a.proto"}, ours(set))
	}
	_, err := closeOver([]*descriptorpb.FileDescriptorProto{{Name: new("x"), Dependency: []string{"missing.proto"}}})
	require.ErrorContains(t, err, "missing.proto")
}

func TestDescriptorInPythonFile(t *testing.T) {
	raw, err := proto.Marshal(&descriptorpb.FileDescriptorProto{Name: new("x")})
	require.NoError(t, err)
	require.Equal(t, "\n\x01x", string(raw))
	file, err := descriptorIn([]byte("DESCRIPTOR = pool.AddSerializedFile(\n    b'\\n\\x01x'\n)\n"))
	require.NoError(t, err)
	require.Equal(t, "x", file.GetName())
	_, err = descriptorIn([]byte("nothing here"))
	require.Error(t, err)
}

// Our own sources: compiled here, and a file that is generated no more disappears.
func TestGenerateFromSources(t *testing.T) {
	t.Chdir("../..") // the plugins are pinned relative to the repository
	dir := t.TempDir()
	out, in := filepath.Join(dir, "out"), filepath.Join(dir, "api", "demo", "v1")
	require.NoError(t, os.MkdirAll(out, 0o755))
	require.NoError(t, os.MkdirAll(in, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(out, "old.pb.go"), nil, 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(in, "demo.proto"), []byte(`syntax = "proto3";
package demo.v1;
import "google/protobuf/timestamp.proto";
// Ping asks.
message Ping { google.protobuf.Timestamp at = 1; }
service Demo { rpc Do(Ping) returns (stream Ping); }
`), 0o644))

	o := options{in: in, root: filepath.Join(dir, "api"), out: out, pkg: "example.com/demo", name: "demov1"}
	require.NoError(t, run(t.Context(), o))

	code, err := os.ReadFile(filepath.Join(out, "demo.pb.go"))
	require.NoError(t, err)
	require.Contains(t, string(code), "package demov1\n")
	require.Contains(t, string(code), "// Ping asks.")
	require.FileExists(t, filepath.Join(out, "demo_grpc.pb.go"))
	require.NoFileExists(t, filepath.Join(out, "old.pb.go"))

	require.NoError(t, os.WriteFile(filepath.Join(in, "bad.proto"), []byte(`syntax = "proto3"; message {`), 0o644))
	require.ErrorContains(t, run(t.Context(), o), "bad.proto")
}

func TestRunNeedsItsFlags(t *testing.T) {
	require.ErrorContains(t, run(t.Context(), options{}), "-in, -out, -pkg and -name are required")
	require.ErrorContains(t, run(t.Context(), options{in: t.TempDir(), out: "o", pkg: "p", name: "n"}), "neither")
}

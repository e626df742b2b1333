package layers

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/spurwheel/spurwheel/"

func TestHouse(t *testing.T) {
	rules, err := House()
	require.NoError(t, err)
	packages := modulePackages(t)
	require.NotEmpty(t, packages)
	require.Empty(t, rules.Check(packages))
}

// modulePackages asks the go command; -e, because a package that does not compile still has imports, and the compiler
// reports it better than this test.
func modulePackages(t *testing.T) []Package {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-e", "-json=ImportPath,Imports", module+"...")
	out, err := cmd.Output()
	require.NoError(t, err)
	var packages []Package
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			ImportPath string
			Imports    []string
		}
		err := decoder.Decode(&p)
		if errors.Is(err, io.EOF) {
			return packages
		}
		require.NoError(t, err)
		folder, ours := strings.CutPrefix(p.ImportPath, module)
		if !ours {
			continue
		}
		q := Package{Folder: folder}
		for _, target := range p.Imports {
			if f, ours := strings.CutPrefix(target, module); ours {
				q.Imports = append(q.Imports, f)
			}
		}
		packages = append(packages, q)
	}
}

func TestCheck(t *testing.T) {
	rules, err := Parse(`
# lowest first
base
left right
left/deep
room/low
other
room
!room other
`)
	require.NoError(t, err)
	for _, c := range []struct {
		name, from, to, want string
	}{
		{name: "down", from: "left", to: "base"},
		{name: "down by prefix", from: "right/sub", to: "base/sub"},
		{name: "own subfolder, even if listed higher", from: "left", to: "left/deep"},
		{name: "up", from: "base", to: "left", want: "base (line 3) imports left (line 4): imports go down only"},
		{name: "siblings", from: "left", to: "right", want: "left (line 4) imports right (line 4): imports go down only"},
		{name: "siblings inside one folder", from: "base/a", to: "base/b", want: "base/a (line 3) imports base/b (line 3): imports go down only"},
		{name: "parent", from: "base/a", to: "base", want: "base/a (line 3) imports base (line 3): imports go down only"},
		{name: "name that only starts alike", from: "base", to: "basement"},
		{name: "longest prefix", from: "left/deep/er", to: "left", want: ""},
		{name: "rooms apart, downwards", from: "other/x", to: "room/low", want: "other/x imports room/low: other and room must not import each other"},
		{name: "rooms apart, upwards", from: "room", to: "other", want: "room imports other: room and other must not import each other"},
		{name: "inside a room that is apart", from: "room/high", to: "room/low"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := rules.Check([]Package{{Folder: c.from, Imports: []string{c.to}}})
			require.Equal(t, c.want, strings.Join(got, "\n"))
		})
	}
	require.Equal(t, []string{"attic is in no layer: add its folder to layers.txt"}, rules.Check([]Package{{Folder: "attic"}}))
}

func TestParseRefusesAFolderTwice(t *testing.T) {
	_, err := Parse("a b\nc a\n")
	require.EqualError(t, err, "line 2: a stands on line 1 already")
}

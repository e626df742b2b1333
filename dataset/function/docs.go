package function

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// WriteDocs writes the table of all functions in Markdown, by group and name.
func WriteDocs(w io.Writer, r *Registry) error {
	groups := map[string][]*Entry{}
	var names []string
	for _, e := range r.Entries() {
		if groups[e.Group] == nil {
			names = append(names, e.Group)
		}
		groups[e.Group] = append(groups[e.Group], e)
	}
	slices.Sort(names)
	var b strings.Builder
	b.WriteString("# Functions\n\nGenerated from the function registry by `make generate`; do not edit.\n")
	for _, g := range names {
		fmt.Fprintf(&b, "\n## %s\n\n| Function | What it gives | Example | Result |\n|---|---|---|---|\n", groupTitle(g))
		list := groups[g]
		slices.SortFunc(list, func(x, y *Entry) int { return strings.Compare(x.Name, y.Name) })
		for _, e := range list {
			fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", docNames(e), docCell(e.Usage), docCode(e.Example), docCode(e.Result))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// groupTitle is "String functions" for string_funcs.
func groupTitle(g string) string {
	name, _ := strings.CutSuffix(g, "_funcs")
	return strings.ToUpper(name[:1]) + name[1:] + " functions"
}

func docNames(e *Entry) string {
	parts := make([]string, 0, 1+len(e.Aliases))
	for _, n := range append([]string{e.Name}, e.Aliases...) {
		parts = append(parts, docCode(n))
	}
	return strings.Join(parts, ", ")
}

func docCell(s string) string {
	return strings.NewReplacer("|", `\|`, "<", "&lt;", "*", `\*`, "_", `\_`, "\n", " ").Replace(s)
}

func docCode(s string) string {
	if s == "" {
		return ""
	}
	fence := "`"
	if strings.Contains(s, "`") {
		fence = "``"
	}
	return fence + strings.NewReplacer("|", `\|`, "\n", " ").Replace(s) + fence
}

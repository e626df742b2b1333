package analyze

import (
	"slices"
	"sort"
	"strings"

	"github.com/spurwheel/spurwheel/dataset/plan"
	"github.com/spurwheel/spurwheel/internal/errs"
)

// maxSuggestions is how many names an error proposes, as Spark.
const maxSuggestions = 5

// unresolvedColumn is the error for a name that none of cols has.
func unresolvedColumn(parts []string, cols []*plan.Column, o *errs.Origin) error {
	name := sqlID(parts)
	list := suggestions(parts, cols)
	if len(list) == 0 {
		return at(errs.Cond(errs.Analysis, "UNRESOLVED_COLUMN.WITHOUT_SUGGESTION", "42703",
			"There is no column, variable or function parameter "+name+".", "objectName", name), o)
	}
	proposal := strings.Join(list, ", ")
	return at(errs.Cond(errs.Analysis, "UNRESOLVED_COLUMN.WITH_SUGGESTION", "42703",
		"There is no column, variable or function parameter "+name+". Close to it: ["+proposal+"].",
		"objectName", name, "proposal", proposal), o)
}

// suggestions orders the columns' names by their distance from the wanted one.
func suggestions(parts []string, cols []*plan.Column) []string {
	sorted := slices.Clone(cols)
	sort.SliceStable(sorted, func(i, j int) bool {
		a, b := sorted[i], sorted[j]
		return a.Name < b.Name || a.Name == b.Name && a.ID < b.ID
	})
	names := make([][]string, len(sorted))
	for i, c := range sorted {
		names[i] = append(slices.Clone(c.Qualifier), c.Name)
	}
	switch {
	case len(parts) == 1 && commonPrefix(names, 1):
		names = lastParts(names, 1)
	case len(parts) <= 2 && commonPrefix(names, 2):
		names = lastParts(names, 2)
	}
	type scored struct {
		text string
		dist int
	}
	want := sqlID(parts)
	list := make([]scored, len(names))
	for i, n := range names {
		list[i] = scored{sqlID(n), distance(sqlID(n), want)}
	}
	sort.SliceStable(list, func(i, j int) bool { return list[i].dist < list[j].dist })
	var out []string
	for _, s := range list[:min(len(list), maxSuggestions)] {
		out = append(out, s.text)
	}
	return out
}

// commonPrefix tells whether all names agree but for their last n parts.
func commonPrefix(names [][]string, n int) bool {
	for _, x := range names {
		if !slices.Equal(x[:max(0, len(x)-n)], names[0][:max(0, len(names[0])-n)]) {
			return false
		}
	}
	return len(names) > 0
}

func lastParts(names [][]string, n int) [][]string {
	out := make([][]string, len(names))
	for i, x := range names {
		out[i] = x[max(0, len(x)-n):]
	}
	return out
}

// distance is Levenshtein's edit distance over bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diag := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			diag, row[j] = row[j], min(row[j]+1, row[j-1]+1, diag+cost)
		}
	}
	return row[len(b)]
}

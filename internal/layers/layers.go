// Package layers keeps the imports of the module strictly downwards. It knows folders and the order written in layers.txt;
// it knows nothing of what the packages do.
package layers

import (
	"bufio"
	_ "embed"
	"fmt"
	"slices"
	"strings"
)

//go:embed layers.txt
var listed string

// Package is one Go package of the module: its folder relative to the module root, and the folders of the packages of the
// same module that its non-test files import.
type Package struct {
	Folder  string
	Imports []string
}

// Rules is a parsed layers.txt.
type Rules struct {
	line  map[string]int // listed folder -> its line in the file
	apart [][]string     // rooms that must not import each other
}

// House returns the rules of this module.
func House() (*Rules, error) { return Parse(listed) }

// Parse reads the format that the head of layers.txt describes.
func Parse(text string) (*Rules, error) {
	r := &Rules{line: map[string]int{}}
	scanner := bufio.NewScanner(strings.NewReader(text))
	for n := 1; scanner.Scan(); n++ {
		row := strings.TrimSpace(scanner.Text())
		switch {
		case row == "" || strings.HasPrefix(row, "#"):
		case strings.HasPrefix(row, "!"):
			r.apart = append(r.apart, strings.Fields(row[1:]))
		default:
			for folder := range strings.FieldsSeq(row) {
				if first, twice := r.line[folder]; twice {
					return nil, fmt.Errorf("line %d: %s stands on line %d already", n, folder, first)
				}
				r.line[folder] = n
			}
		}
	}
	return r, scanner.Err()
}

// Check returns one sentence for each import that breaks the rules, sorted.
func (r *Rules) Check(packages []Package) []string {
	var faults []string
	for _, p := range packages {
		at, known := r.floor(p.Folder)
		if !known {
			faults = append(faults, p.Folder+" is in no layer: add its folder to layers.txt")
			continue
		}
		for _, target := range p.Imports {
			if fault := r.checkImport(p.Folder, at, target); fault != "" {
				faults = append(faults, fault)
			}
		}
	}
	slices.Sort(faults)
	return faults
}

func (r *Rules) checkImport(from string, at int, target string) string {
	if below(target, from) {
		return ""
	}
	for _, rooms := range r.apart {
		a, b := room(rooms, from), room(rooms, target)
		if a != "" && b != "" && a != b {
			return fmt.Sprintf("%s imports %s: %s and %s must not import each other", from, target, a, b)
		}
	}
	to, known := r.floor(target)
	if known && to >= at {
		return fmt.Sprintf("%s (line %d) imports %s (line %d): imports go down only", from, at, target, to)
	}
	return "" // a target in no layer is reported where it is a package itself
}

// floor returns the line of the longest listed folder that holds the package.
func (r *Rules) floor(folder string) (line int, known bool) {
	for {
		if line, known = r.line[folder]; known {
			return line, true
		}
		up := strings.LastIndexByte(folder, '/')
		if up < 0 {
			return 0, false
		}
		folder = folder[:up]
	}
}

func room(rooms []string, folder string) string {
	for _, r := range rooms {
		if folder == r || below(folder, r) {
			return r
		}
	}
	return ""
}

func below(folder, parent string) bool { return strings.HasPrefix(folder, parent+"/") }

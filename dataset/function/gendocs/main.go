// Command gendocs writes the documentation of all functions to standard
// output. It knows nothing but the registry.
package main

import (
	"fmt"
	"os"

	"github.com/spurwheel/spurwheel/dataset/function"
)

func main() {
	if err := function.WriteDocs(os.Stdout, function.Standard()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

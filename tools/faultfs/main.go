// Command faultfs serves a folder through FUSE and fails what it is told to
// fail: a disk that is full, that loses bits, that is slow, whose fsync lies.
// It is a tool of the fault tests and knows nothing of Spurwheel.
//
//	faultfs -from DIR -at MOUNTPOINT [-cached]
//
// With -cached files go through the kernel's cache, as programs that map them
// need; then what happens to reads is seen on the first of them only.
//
// Rules come on standard input, one whole set a line, and replace those before:
//
//	write enospc 1; fsync eio 0.5; read flip 0.1; read delay 0.2 50ms
//
// An empty line heals everything. Each rule set is answered by "rules N". The
// counters, "fired OP EFFECT N …", are printed after a line that says "count".
// The mount goes away with standard input.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"log"
	"os"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

func main() {
	from := flag.String("from", "", "folder whose files are served")
	at := flag.String("at", "", "empty folder where they appear")
	cached := flag.Bool("cached", false, "let the kernel cache files, so that they can be mapped")
	flag.Parse()
	log.SetFlags(0)
	if err := run(*from, *at, &table{cached: *cached}, os.Stdin, os.Stdout); err != nil {
		log.Fatal("faultfs: ", err)
	}
}

func run(from, at string, table *table, in io.Reader, out io.Writer) error {
	node, err := newRoot(from, table)
	if err != nil {
		return err
	}
	server, err := fs.Mount(at, node, &fs.Options{MountOptions: fuse.MountOptions{
		FsName: "faultfs", Name: "faultfs", DirectMount: true,
	}})
	if err != nil {
		return fmt.Errorf("mount %s: %w", at, err)
	}
	fmt.Fprintln(out, "mounted")
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		if lines.Text() == "count" {
			fmt.Fprintln(out, table.counts())
			continue
		}
		rules, err := parseRules(lines.Text())
		if err != nil {
			fmt.Fprintln(out, "refused", err)
			continue
		}
		table.set(rules)
		fmt.Fprintln(out, "rules", len(rules))
	}
	table.set(nil)
	return server.Unmount()
}

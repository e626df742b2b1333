package main

import (
	"syscall"
	"testing"
	"time"
)

func TestParseRules(t *testing.T) {
	got, err := parseRules(" write enospc 1; read delay 0.5 20ms ;")
	if err != nil {
		t.Fatal(err)
	}
	want := []rule{{op: "write", effect: "enospc", share: 1}, {op: "read", effect: "delay", share: .5, delay: 20 * time.Millisecond}}
	if len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Fatalf("got %v, want %v", got, want)
	}
	for _, bad := range []string{"write", "write eio 2", "write eio NaN", "fly eio 1", "write flip 1", "read delay 1", "read delay 1 2h", "read eio 1 2s"} {
		if _, err := parseRules(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

func TestStrikeCounts(t *testing.T) {
	table := &table{}
	table.set([]rule{{op: "write", effect: "eio", share: 1}})
	if errno := table.at("write"); errno != syscall.EIO {
		t.Fatalf("got %v", errno)
	}
	if errno := table.at("read"); errno != 0 {
		t.Fatalf("a read gave %v", errno)
	}
	table.set(nil)
	if errno := table.at("write"); errno != 0 {
		t.Fatalf("healed, and gave %v", errno)
	}
	if got := table.counts(); got != "fired write eio 1" {
		t.Fatalf("counted %q", got)
	}
}

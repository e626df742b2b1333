package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// The roles of processes that this one starts.
const (
	roleFollower = "follower"
	roleWorkers  = "workers"
)

// sample is what a process did since it was last asked.
type sample struct {
	CPU   float64 `json:"cpu_s"`
	Tasks int64   `json:"tasks"`
	Gaps  gaps    `json:"gaps,omitempty"`
}

// child is a process that answers every line of its input with a sample and
// ends with its input, so that it never outlives its parent.
type child struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *json.Decoder
}

func spawn(s settings, more ...string) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := &child{cmd: exec.Command(self, append(more, "-cpuprofile", s.Profile)...)} //nolint:noctx // it ends with its input
	c.cmd.Stderr = os.Stderr
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // an interrupt is for this process, which ends the others
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c.out = json.NewDecoder(out)
	return c, c.cmd.Start()
}

// ask gives what the process did since the last time.
func (c *child) ask() (s sample, err error) {
	if _, err = io.WriteString(c.in, "\n"); err == nil {
		err = c.out.Decode(&s)
	}
	if err != nil {
		err = fmt.Errorf("process %d does not answer: %w", c.cmd.Process.Pid, err)
	}
	return s, err
}

// endWithin is what a process may take to end by itself.
const endWithin = 5 * time.Second

func (c *child) end() error {
	_ = c.in.Close() // it may be gone already, which Wait tells
	kill := time.AfterFunc(endWithin, func() { _ = c.cmd.Process.Kill() })
	defer kill.Stop()
	return c.cmd.Wait()
}

// attend answers the parent until there is none, then cancels. It is a child's
// main loop.
func attend(ctx context.Context, cancel context.CancelFunc, take func() sample) error {
	defer cancel()
	lines, out, last := bufio.NewScanner(os.Stdin), json.NewEncoder(os.Stdout), 0.0
	for lines.Scan() && ctx.Err() == nil {
		s := take()
		now := cpuTime()
		s.CPU, last = now-last, now
		if err := out.Encode(s); err != nil {
			return err
		}
	}
	return lines.Err()
}

// cpuTime is the seconds of processor time that this process has used.
func cpuTime() float64 {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // it fails for wrong arguments only
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
}

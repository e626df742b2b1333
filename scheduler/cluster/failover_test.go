package cluster

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// With these set the test binary is one scheduler of a real group: it says when
// it leads and whom, until it is killed.
const (
	memberName = "SPURWHEEL_TEST_MEMBER"
	memberData = "SPURWHEEL_TEST_DATA"
	memberJoin = "SPURWHEEL_TEST_JOIN"  // addresses of all, by number
	memberPort = "SPURWHEEL_TEST_SERVE" // where it answers questions
)

func TestMain(m *testing.M) {
	if name := os.Getenv(memberName); name != "" {
		os.Exit(beMember(name, os.Getenv(memberData), strings.Split(os.Getenv(memberJoin), ",")))
	}
	goleak.VerifyTestMain(m)
}

func beMember(name, data string, all []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	i, err := strconv.Atoi(name)
	if err != nil {
		return 2
	}
	g, err := Start(ctx, Config{ID: "s" + name, Address: all[i], Data: data, Expect: len(all), Join: all})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	l, err := net.Listen("tcp", os.Getenv(memberPort))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	go listenFor(ctx, g, l) // until the process ends
	var announcing sync.WaitGroup
	announcing.Go(func() {
		for !g.present() && ctx.Err() == nil {
			pause(ctx, 10*time.Millisecond)
		}
		fmt.Println("here")
	})
	defer announcing.Wait()
	err = g.Run(ctx, func(ctx context.Context, term uint64) error {
		fmt.Println("leads", term)
		<-ctx.Done()
		return nil
	})
	if err != nil || g.Close() != nil {
		return 1
	}
	return 0
}

// processes is a group of real processes over TCP that waits for the disk.
type processes struct {
	t      *testing.T
	dir    string
	all    []string // addresses of the log
	serves []string // and of questions
	cmds   []*exec.Cmd
	leads  chan int
	here   chan int
	read   sync.WaitGroup
}

func newProcesses(t *testing.T, n int) *processes {
	p := &processes{t: t, dir: t.TempDir(), cmds: make([]*exec.Cmd, n), leads: make(chan int, 1000), here: make(chan int, 1000)}
	p.all, p.serves = freeAddresses(t, n), freeAddresses(t, n)
	for i := range n {
		p.start(i)
	}
	t.Cleanup(func() {
		for i := range n {
			p.kill(i)
		}
		p.read.Wait()
	})
	return p
}

func freeAddresses(t testing.TB, n int) (out []string) {
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer l.Close() //nolint:revive // all at once, so that none comes twice
		out = append(out, l.Addr().String())
	}
	return out
}

func (p *processes) start(i int) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), memberName+"="+strconv.Itoa(i), memberPort+"="+p.serves[i],
		memberData+"="+filepath.Join(p.dir, strconv.Itoa(i)), memberJoin+"="+strings.Join(p.all, ","))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	require.NoError(p.t, err)
	require.NoError(p.t, cmd.Start())
	p.cmds[i] = cmd
	p.read.Go(func() { p.follow(i, out) })
}

func (p *processes) follow(i int, out io.Reader) {
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if lines.Text() == "here" {
			p.here <- i
		} else {
			p.leads <- i
		}
	}
}

func (p *processes) kill(i int) {
	_ = p.cmds[i].Process.Signal(syscall.SIGKILL)
	_ = p.cmds[i].Wait()
}

// wait is the next that says something, but for one.
func (p *processes) wait(who <-chan int, not int) int {
	over := time.After(time.Minute)
	for {
		select {
		case i := <-who:
			if i != not {
				return i
			}
		case <-over:
			p.t.Fatal("nobody leads, or comes back, in a minute")
		}
	}
}

// Kills leaders and measures until another one is ready to lead: elected, all
// that was committed applied, its own first entry on disk.
func TestFailover(t *testing.T) {
	kills := 3
	if n, err := strconv.Atoi(os.Getenv("SPURWHEEL_FAILOVERS")); err == nil {
		kills = n
	}
	p := newProcesses(t, 3)
	leader := p.wait(p.leads, -1)
	for range 3 {
		p.wait(p.here, -1)
	}
	var outages []time.Duration
	for range kills {
		at := time.Now()
		p.kill(leader)
		next := p.wait(p.leads, leader)
		outages = append(outages, time.Since(at))
		p.start(leader)
		require.Equal(t, leader, p.wait(p.here, -1))
		leader = next
	}
	slices.Sort(outages)
	t.Logf("%d leaders killed; until the next one leads: min %v, p50 %v, p99 %v, max %v", kills,
		outages[0].Round(time.Millisecond), outages[kills/2].Round(time.Millisecond), outages[kills*99/100].Round(time.Millisecond), outages[kills-1].Round(time.Millisecond))
}

package driver_test

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/require"
)

// seedsOf is how many stories a run plays: few in `make test`, as many as the
// environment says in a scheduled run.
func seedsOf(t *testing.T, few int) int {
	t.Helper()
	if text := os.Getenv("SPURWHEEL_SIM_SEEDS"); text != "" {
		n, err := strconv.Atoi(text)
		require.NoError(t, err)
		return n
	}
	return few
}

// firstWrong plays stories on all cores and gives the first of them, by seed,
// that breaks a rule.
func firstWrong(n int, p plant, each func(*sim)) (seed int, wrong string) {
	var next, found atomic.Int64
	found.Store(int64(n))
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for {
				seed := next.Add(1) - 1
				if seed >= found.Load() {
					return
				}
				s := newSim(draw(uint64(seed)), p)
				text := s.run()
				mu.Lock()
				if text != "" && seed < found.Load() {
					found.Store(seed)
					wrong = text
				}
				each(s)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return int(found.Load()), wrong
}

func TestSimulatedCluster(t *testing.T) {
	n := seedsOf(t, 2000)
	jobs, failed, steps, terms := 0, 0, 0, uint64(0)
	seed, wrong := firstWrong(n, noBug, func(s *sim) {
		steps += s.steps
		terms += s.term
		for _, j := range s.jobs {
			jobs++
			if j.err != nil {
				failed++
			}
		}
	})
	if wrong != "" {
		story := draw(uint64(seed)).shorter(func(s story) bool { return newSim(s, noBug).run() != "" })
		require.Failf(t, wrong, "seed %d; put this into testdata/sim:\n%s", seed, story)
	}
	t.Logf("%d seeds, %d jobs, %d failed with a typed error, %d steps, %d leaders", n, jobs, failed, steps, terms)
	require.Less(t, failed*20, jobs, "too many jobs fail for the rest to say much")
}

func TestTheSimulatorFindsPlantedBugs(t *testing.T) {
	for _, bug := range []plant{staleBug, leaseBug, commitBug, volatileBug} {
		seed, wrong := firstWrong(10_000, bug, func(*sim) {})
		require.NotEmpty(t, wrong, "%s was not found", bug)
		story := draw(uint64(seed)).shorter(func(s story) bool { return newSim(s, bug).run() == wrong })
		t.Logf("%s: seed %d: %s\n%s", bug, seed, wrong, story)
	}
}

func TestTheSameSeedIsTheSameRun(t *testing.T) {
	for seed := range uint64(50) {
		a, b := newSim(draw(seed), noBug), newSim(draw(seed), noBug)
		a.run()
		b.run()
		require.Equal(t, a.hash, b.hash, seed)
		require.Equal(t, a.now, b.now)
	}
}

// TestStories replays what was found once: `run` has a story and, as an
// argument, the planted bug, if any; its name says what it shows.
func TestStories(t *testing.T) {
	datadriven.Walk(t, "testdata/sim", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			s, err := readStory(d.Input)
			require.NoError(t, err)
			require.Equal(t, strings.TrimSpace(d.Input), strings.TrimSpace(s.String()))
			bug := noBug
			if d.HasArg("bug") {
				var text string
				d.ScanArgs(t, "bug", &text)
				bug = plant(strings.ReplaceAll(text, "-", " "))
			}
			if wrong := newSim(s, bug).run(); wrong != "" {
				return wrong + "\n"
			}
			return "ok\n"
		})
	})
}

// TestOneStory plays the seed in the environment and says what happens.
func TestOneStory(t *testing.T) {
	text := os.Getenv("SPURWHEEL_SIM_SEED")
	if text == "" {
		t.Skip("no seed")
	}
	seed, err := strconv.ParseUint(text, 10, 64)
	require.NoError(t, err)
	s := newSim(draw(seed), plant(os.Getenv("SPURWHEEL_SIM_BUG")))
	s.logf = t.Logf
	t.Log(s.story)
	require.Empty(t, s.run())
}

package main

import (
	"fmt"
	"strings"
)

// memoryBandwidth is what a device's memory moves at best, in bytes a second, by its data sheet.
var memoryBandwidth = []struct {
	name   string
	second float64
}{
	{"H200", 4.8e12}, {"H100", 3.35e12}, {"A100", 2.0e12}, {"V100", 0.9e12}, {"T4", 0.32e12},
}

func bandwidthOf(name string) float64 {
	for _, d := range memoryBandwidth {
		if strings.Contains(name, d.name) {
			return d.second
		}
	}
	return 0
}

func (r *Results) markdown() string {
	var b strings.Builder
	device := r.Devices[0]
	fmt.Fprintf(&b, "# word2vec on %s\n\n", device.Name)
	fmt.Fprintf(&b, "%s. %d device(s), capability %d.%d, %d processors, %d MiB L2, %d GiB memory, driver for CUDA %d.%d. ",
		r.Started.Format("2006-01-02 15:04 UTC"), len(r.Devices), device.Major, device.Minor, device.Processors,
		device.CacheBytes>>20, device.Memory>>30, r.Driver/1000, r.Driver%1000/10)
	fmt.Fprintf(&b, "Corpus of %d words, vocabulary of %d. Skip-gram, window 5, 5 negatives shared by the neighbours of a word, sample 1e-3.\n", r.Words, r.Types)
	if len(r.Speed) > 0 {
		b.WriteString("\n## Speed\n\n| dim | sentences at a time | cap | words | M raw words/s | M trained words/s | by the clock | KB moved per trained word | share of memory bandwidth | mean norm |\n|---|---|---|---|---|---|---|---|---|---|\n")
		for _, s := range r.Speed {
			share := "unknown"
			if w := bandwidthOf(device.Name); w > 0 {
				share = fmt.Sprintf("%.0f %%", 100*s.perSecond()*s.bytesPerTrained()/w)
			}
			fmt.Fprintf(&b, "| %d | %d | %s | %d | %.2f | %.2f | %.2f | %.1f | %s | %.2f |\n", s.Dim, s.Concurrency, capText(s.Cap), s.Words,
				float64(s.Words)/s.DeviceSeconds/1e6, s.perSecond()/1e6, float64(s.Trained)/s.Seconds/1e6, s.bytesPerTrained()/1e3, share, s.MeanNorm)
		}
		b.WriteString("\nSpeed is by device time; \"by the clock\" is trained words over the whole call, in millions a second.\n")
	}
	if len(r.Quality) > 0 {
		b.WriteString("\n## Quality\n\n| sentences at a time | cap | seed | MEN | WS-353 | SimLex | semantic % | syntactic % | loss | mean norm |\n|---|---|---|---|---|---|---|---|---|---|\n")
		for _, q := range r.Quality {
			if q.Quality == nil {
				fmt.Fprintf(&b, "| %d | %s | %d | diverged | | | | | | |\n", q.Concurrency, capText(q.Cap), q.Seed)
				continue
			}
			fmt.Fprintf(&b, "| %d | %s | %d | %.3f | %.3f | %.3f | %.1f | %.1f | %.3f | %.2f |\n", q.Concurrency, capText(q.Cap), q.Seed,
				q.Quality.MEN, q.Quality.WS353, q.Quality.SimLex, q.Quality.Semantic, q.Quality.Syntactic, q.Loss, q.MeanNorm)
		}
	}
	if k := r.Kill; k != nil {
		fmt.Fprintf(&b, "\n## Helper killed in mid-training\n\nError of kind %q: %s. A new helper trained %.1f s after the kill; free device memory changed by %d bytes.\n",
			k.Kind, k.Error, k.Seconds, k.FreeDelta)
	}
	if len(r.Skipped) > 0 {
		fmt.Fprintf(&b, "\nLeft out for lack of time: %s.\n", strings.Join(r.Skipped, "; "))
	}
	return b.String()
}

func capText(c float64) string {
	if c < 0 {
		return "none"
	}
	return fmt.Sprintf("%g", c)
}

package exec

// lazySource is a source that is known only when the pipelines before have run.
type lazySource struct {
	of   func() Source
	made Source
}

// source is asked first by Width, before any stream is made.
func (l *lazySource) source() Source {
	if l.made == nil {
		l.made = l.of()
	}
	return l.made
}

func (l *lazySource) Width(want int) int      { return l.source().Width(want) }
func (l *lazySource) Stream() (Stream, error) { return l.source().Stream() }

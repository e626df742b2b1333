package word2vec

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sort"
	"strings"
	"time"
	"unsafe"

	"github.com/zeebo/xxh3"

	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/vfs"
	"github.com/spurwheel/spurwheel/mllib/word2vec/train"
)

const (
	checkpointName  = "word2vec.checkpoint"
	checkpointMagic = "SPURW2V\x01"
	// maxHead bounds the described part of a checkpoint: settings, and a number a thread.
	maxHead = 1 << 20
	// sumBytes is the checksum at the end.
	sumBytes = 8
	// DefaultEvery is how much work a crash may cost.
	DefaultEvery = 10 * time.Minute
	fetchBytes   = 1 << 20
)

// Checkpoints is where a training keeps its state, so that it can go on after an interruption or a crash. A checkpoint is one
// file, which is replaced as a whole or not at all.
type Checkpoints struct {
	FS     vfs.FS
	Folder string
	// Every is the time between checkpoints; 0: DefaultEvery. One more is written when a training ends or is interrupted.
	Every time.Duration
	// Resume goes on from the checkpoint, if there is one. Without it, a checkpoint of an earlier training is an error.
	Resume bool
}

func (c *Checkpoints) path() string { return strings.TrimSuffix(c.Folder, "/") + "/" + checkpointName }

func (c *Checkpoints) every() time.Duration {
	switch {
	case c == nil:
		return 0
	case c.Every == 0:
		return DefaultEvery
	}
	return c.Every
}

// Remove deletes the checkpoint: its model is safe elsewhere.
func (c *Checkpoints) Remove(ctx context.Context) error { return c.FS.Remove(ctx, c.path()) }

// admit keeps a forgotten Resume from destroying hours of work.
func (c *Checkpoints) admit(ctx context.Context) error {
	if c == nil || c.Resume {
		return nil
	}
	_, err := c.FS.Stat(ctx, c.path())
	switch {
	case errs.Is(err, errs.NotFound):
		return nil
	case err != nil:
		return err
	}
	return errs.Errorf(errs.Exists, "", "%s is the checkpoint of an earlier training: go on with it (--resume) or remove it", c.path())
}

// checkpoint is the state of a training.
type checkpoint struct {
	cfg                settings
	vocabulary, corpus uint64
	at                 train.Position
	w                  *train.Weights
}

// settings are all that must be the same for a training to go on. Values are as a message shows them.
type settings map[string]string

func settingsOf(o Options) settings {
	c := o.Train
	s := settings{"device": o.Device.Name()}
	for name, value := range map[string]any{
		"dim": c.Dim, "window": c.Window, "negative": c.Negative, "epochs": c.Epochs, "threads": c.Threads, "sample": c.Sample,
		"alpha": c.Alpha, "min-alpha": c.MinAlpha, "seed": c.Seed, "cbow": c.Architecture == train.CBOW,
		"hs": c.Output == train.HierarchicalSoftmax, "bf16": c.Storage == train.BFloat16,
		"shared-negatives": c.Shares(), "spark-order": c.SparkOrder,
	} {
		s[name] = fmt.Sprint(value)
	}
	return s
}

// differences lists what is not the same, in words.
func (s settings) differences(now settings) string {
	var out []string
	for name := range now {
		if s[name] != now[name] {
			out = append(out, fmt.Sprintf("%s was %s and is %s", name, s[name], now[name]))
		}
	}
	sort.Strings(out)
	return strings.Join(out, ", ")
}

// head describes a checkpoint in its file.
type head struct {
	Settings   settings       `json:"settings"`
	Vocabulary uint64         `json:"vocabulary,string"`
	Corpus     uint64         `json:"corpus,string"`
	Position   train.Position `json:"position"`
	Words      int            `json:"words"`
	OutRows    int            `json:"outRows"`
	Stride     int            `json:"stride"`
}

// blocks are the weights as bytes of this machine, all of which are little-endian.
func (p *checkpoint) blocks() [][]byte {
	if p.w.In16 != nil {
		return [][]byte{asBytes(p.w.In), asBytes(p.w.Out), asBytes(p.w.In16), asBytes(p.w.Out16)}
	}
	return [][]byte{asBytes(p.w.In), asBytes(p.w.Out)}
}

func asBytes[T uint16 | float32](x []T) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(x))), len(x)*int(unsafe.Sizeof(*new(T))))
}

// save replaces the checkpoint. Nobody may train meanwhile.
func (c *Checkpoints) save(ctx context.Context, p *checkpoint) error {
	if c == nil {
		return nil
	}
	w, err := c.FS.Create(ctx, c.path())
	if err != nil {
		return atPath(c.path(), err)
	}
	if err := p.write(w); err != nil {
		return errors.Join(atPath(c.path(), err), w.Abort(ctx))
	}
	if _, err := w.Commit(ctx); err != nil {
		return errors.Join(atPath(c.path(), err), w.Abort(ctx))
	}
	return nil
}

func atPath(path string, err error) error {
	return errs.E(errs.KindOf(err), "", fmt.Errorf("checkpoint %s: %w", path, err))
}

func (p *checkpoint) write(w io.Writer) error {
	h, err := json.Marshal(head{p.cfg, p.vocabulary, p.corpus, p.at, p.w.Words, p.w.OutRows, p.w.Stride})
	if err != nil {
		return errs.E(errs.Internal, "", err)
	}
	sum := xxh3.New()
	w = io.MultiWriter(w, sum)
	first := binary.LittleEndian.AppendUint32([]byte(checkpointMagic), uint32(len(h)))
	for _, part := range append([][]byte{first, h}, p.blocks()...) {
		for len(part) > 0 { // in pieces, which stores buffer
			n := min(len(part), fetchBytes)
			if _, err := w.Write(part[:n]); err != nil {
				return err
			}
			part = part[n:]
		}
	}
	_, err = w.Write(binary.LittleEndian.AppendUint64(nil, sum.Sum64()))
	return err
}

// restore fills p from the checkpoint, if one is to be resumed and is there. One of other settings, of another corpus or a
// damaged one is an error: training on in silence would waste the work that the user wants to keep.
func (c *Checkpoints) restore(ctx context.Context, p *checkpoint, notice func(string)) error {
	if c == nil || !c.Resume {
		return nil
	}
	f, err := c.FS.Open(ctx, vfs.FileRef{Path: c.path()})
	if errs.Is(err, errs.NotFound) {
		notice("no checkpoint at " + c.path() + ": starting from the beginning")
		return nil
	}
	if err != nil {
		return atPath(c.path(), err)
	}
	defer f.Close()
	if err := p.read(vfs.Section(ctx, f, 0, f.Ref().Size, fetchBytes), f.Ref().Size); err != nil {
		return atPath(c.path(), err)
	}
	notice(fmt.Sprintf("going on from the checkpoint in epoch %d", p.at.Epoch+1))
	return nil
}

func damagedPoint(format string, args ...any) error {
	return errs.E(errs.Corrupt, "", fmt.Errorf("it is damaged: "+format, args...))
}

// unread is the error of a read: the store's own, or a file that ends early.
func unread(err error) error {
	if errs.KindOf(err) != errs.Other {
		return err
	}
	return damagedPoint("%w", err)
}

// read checks everything before it touches the weights, but for the checksum at the end: a training does not begin with an error.
func (p *checkpoint) read(in io.Reader, size int64) error {
	sum := xxh3.New()
	all := in
	in = io.TeeReader(in, sum)
	h, n, err := readHead(in)
	if err != nil {
		return err
	}
	want := int64(n) + sumBytes
	for _, b := range p.blocks() {
		want += int64(len(b))
	}
	if err := p.fits(h); err != nil {
		return err
	}
	if size != want {
		return damagedPoint("%d bytes; want %d", size, want)
	}
	for _, b := range p.blocks() {
		if _, err := io.ReadFull(in, b); err != nil {
			return unread(err)
		}
	}
	var tail [sumBytes]byte
	if _, err := io.ReadFull(all, tail[:]); err != nil {
		return unread(err)
	}
	if binary.LittleEndian.Uint64(tail[:]) != sum.Sum64() {
		return damagedPoint("its checksum does not fit")
	}
	p.at = h.Position
	return nil
}

func readHead(in io.Reader) (h head, size int, err error) {
	first := make([]byte, len(checkpointMagic)+4)
	if _, err := io.ReadFull(in, first); err != nil || !bytes.HasPrefix(first, []byte(checkpointMagic)) {
		return h, 0, damagedPoint("it does not begin as a checkpoint")
	}
	n := binary.LittleEndian.Uint32(first[len(checkpointMagic):])
	if n > maxHead {
		return h, 0, damagedPoint("a head of %d bytes", n)
	}
	text := make([]byte, n)
	if _, err := io.ReadFull(in, text); err != nil {
		return h, 0, unread(err)
	}
	if err := json.Unmarshal(text, &h); err != nil {
		return h, 0, damagedPoint("%w", err)
	}
	return h, len(first) + len(text), nil
}

// fits tells whether a checkpoint is of this training.
func (p *checkpoint) fits(h head) error {
	if d := h.Settings.differences(p.cfg); d != "" {
		return errs.Errorf(errs.Invalid, "", "it is of a training with other options: %s", d)
	}
	if h.Vocabulary != p.vocabulary {
		return errs.Errorf(errs.Invalid, "", "it is of another vocabulary: the corpus, --min-count or --max-words have changed")
	}
	if h.Corpus != p.corpus {
		return errs.Errorf(errs.Invalid, "", "it is of another corpus: the sentences or their order have changed")
	}
	if h.Words != p.w.Words || h.OutRows != p.w.OutRows || h.Stride != p.w.Stride {
		return errs.Errorf(errs.Invalid, "", "its weights are laid out otherwise; it is of another version")
	}
	return nil
}

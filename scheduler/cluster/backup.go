package cluster

import (
	"bytes"
	"context"
	"io"
	"time"

	"github.com/hashicorp/raft"

	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/scheduler/record"
)

// Backup writes the record, with all that was answered before, in the form of a
// snapshot: it checks itself when it is read. Sealed values stay sealed; the
// secret is not in it.
func (g *Group) Backup(ctx context.Context, w io.Writer) error {
	var state *record.State
	if err := g.barrier(ctx); err != nil {
		return err
	}
	g.machine.view(func(s *record.State) { state = s.Clone() })
	return state.Save(w)
}

// restoreDelay is until the others have the restored record.
const restoreDelay = time.Minute

// Restore replaces the whole record of the group by a backup. Only the members
// stay: those of the backup may be long gone. Entries that are on their way are
// refused or lost, so nothing else should go on.
func (g *Group) Restore(ctx context.Context, r io.Reader) error {
	const op = "cluster.Restore"
	if _, ok := g.Leads(); !ok {
		return g.notLeader(op)
	}
	state, err := record.Load(r)
	if err != nil {
		return err
	}
	if err := g.keepMembers(state); err != nil {
		return err
	}
	var image bytes.Buffer // raft wants to know the length
	if err := state.Save(&image); err != nil {
		return err
	}
	meta := &raft.SnapshotMeta{Version: raft.SnapshotVersionMax, Size: int64(image.Len())}
	err = g.await(ctx, func() error { return g.raft.Restore(meta, &image, restoreDelay) })
	return errs.E(errs.Unavailable, op, err)
}

// keepMembers puts the present members into a restored record.
func (g *Group) keepMembers(restored *record.State) error {
	for _, m := range restored.Members() {
		if err := restored.Apply(record.MemberGone{ID: m.ID}); err != nil {
			return err
		}
	}
	var now []record.Member
	g.machine.view(func(s *record.State) { now = s.Members() })
	for _, m := range now {
		if err := restored.Apply(record.MemberUp(m)); err != nil {
			return err
		}
	}
	return nil
}

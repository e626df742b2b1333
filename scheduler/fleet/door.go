package fleet

import (
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
)

// Door is the Control service of a scheduler, whether it leads or not.
type Door struct {
	pb.UnimplementedControlServer

	mu struct {
		sync.Mutex
		fleet       *Fleet
		id, address string
	}
}

// Lead lets workers in to the fleet of a new leadership, until its Run ends.
func (d *Door) Lead(f *Fleet) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.mu.fleet = f
}

// Follow names who leads, as far as that is known, for workers that come while
// this scheduler does not. It does not end a leadership.
func (d *Door) Follow(id, address string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.mu.id, d.mu.address = id, address
}

// Fleet is the one that workers are let in to, nil while this scheduler does not lead.
func (d *Door) Fleet() *Fleet {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.mu.fleet != nil && d.mu.fleet.over() {
		d.mu.fleet = nil
	}
	return d.mu.fleet
}

// Work serves a worker's stream.
func (d *Door) Work(stream grpc.BidiStreamingServer[pb.WorkerFrame, pb.SchedulerFrame]) error {
	if f := d.Fleet(); f != nil {
		return f.Work(stream)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return notLeader(d.mu.id, d.mu.address)
}

// notLeader tells a worker to look elsewhere.
func notLeader(id, address string) error {
	st := status.New(codes.Unavailable, "this scheduler does not lead")
	if with, err := st.WithDetails(&pb.NotLeader{Id: id, Address: address}); err == nil {
		st = with
	}
	return st.Err()
}

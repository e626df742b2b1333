package fleet

import (
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/spurwheel/spurwheel/api/spurwheel/v1"
)

// Limits of what a worker may say. A frame beyond them ends its stream.
const (
	maxReports = 1 << 16 // in a frame
	maxName    = 256     // bytes of a name, an address, a version
	maxJobName = 1024
	maxSlots   = 1 << 16
)

// checkFrame refuses frames that no worker of ours sends.
func checkFrame(m *pb.WorkerFrame) error {
	if len(m.GetReports()) > maxReports || uint64(len(m.GetReports())) > m.GetLastReport() {
		return malformed("reports")
	}
	for _, r := range m.GetReports() {
		if r.GetKind() == nil || !validTask(taskOf(r)) {
			return malformed("a report")
		}
	}
	return checkRegister(m.GetRegister())
}

func checkRegister(r *pb.Register) error {
	if r == nil {
		return nil
	}
	if r.GetName() == "" || r.GetSlots() < 0 || r.GetSlots() > maxSlots || r.GetGpus() < 0 || r.GetGpus() > maxSlots {
		return malformed("a registration")
	}
	for _, s := range []string{r.GetName(), r.GetShuffle(), r.GetHost(), r.GetVersion()} {
		if len(s) > maxName {
			return malformed("a name")
		}
	}
	for _, id := range inventory(r) {
		if !validTask(id) {
			return malformed("an inventory")
		}
	}
	return nil
}

func validTask(id *pb.TaskID) bool {
	return id.GetJob() != "" && len(id.GetJob()) <= maxJobName && id.GetStage() >= 0 && id.GetPartition() >= 0 && id.GetAttempt() >= 0
}

func malformed(what string) error {
	return status.Errorf(codes.InvalidArgument, "%s beyond what a worker may say", what)
}

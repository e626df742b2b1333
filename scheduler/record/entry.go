package record

// Entry is one change of the record.
type Entry interface{ entry() }

// Sessions.
type (
	// OpenSession begins a session's life. Session is its name here; User and
	// Client, the client's own name for it, are how it is found again; Server
	// is what the server told the client.
	OpenSession struct {
		Session string
		User    string
		Client  string
		Server  string
	}
	// CloseSession ends it. Jobs of the session are failed by the leader before.
	CloseSession struct{ Session string }
	// SessionPut keeps a named value of a session's durable state; values come
	// back in the order in which they were last put.
	SessionPut struct {
		Session string
		Key     string
		Value   []byte
	}
	// SessionDelete drops a value, if there is one.
	SessionDelete struct{ Session, Key string }
)

// Jobs.
type (
	// SubmitJob records a job with all that another leader needs to go on.
	SubmitJob struct {
		Job       string
		Session   string
		Stages    int
		Plan      []byte
		Operation string // the client's command that the job belongs to
		Spec      []byte
	}
	// StageDone records where a finished stage's outputs lie.
	StageDone struct {
		Job     string
		Stage   int
		Outputs []byte
	}
	// Choose fixes the attempts whose files count. A partition is chosen once.
	Choose struct {
		Job      string
		Attempts map[int]int // partition -> attempt
	}
	// Commit says that all partitions are chosen and files may be made visible.
	Commit struct{ Job string }
	// EndJob ends a job; its outputs may go.
	EndJob struct {
		Job    string
		Failed bool
		Reason string
	}
)

// Processes.
type (
	// WorkerJoined and WorkerGone bound a worker's life. A later epoch replaces
	// an earlier one; what an earlier one says is too late and changes nothing.
	WorkerJoined struct {
		Name      string
		Epoch     int64
		Addresses []string
	}
	WorkerGone struct {
		Name   string
		Epoch  int64
		Reason string
	}
	// MemberUp is a scheduler as it announces itself at every start.
	MemberUp struct {
		ID       string
		Raft     string // address of the log
		Inner    string // address of the inner calls, where others are sent to
		Instance string // fresh per start
	}
	// MemberGone is a scheduler that left the group.
	MemberGone struct{ ID string }
)

// Request is an entry that a client may ask for again because it heard no
// answer. Sequence grows by request of one client; the last one is answered
// again as it was, earlier ones are refused.
type Request struct {
	Client   string
	Sequence uint64
	Entry    Entry
}

// answered is a client's last answer, as snapshots carry it.
type answered struct {
	client   string
	sequence uint64
	result   result
}

func (OpenSession) entry()   {}
func (CloseSession) entry()  {}
func (SessionPut) entry()    {}
func (SessionDelete) entry() {}
func (SubmitJob) entry()     {}
func (StageDone) entry()     {}
func (Choose) entry()        {}
func (Commit) entry()        {}
func (EndJob) entry()        {}
func (WorkerJoined) entry()  {}
func (WorkerGone) entry()    {}
func (MemberUp) entry()      {}
func (MemberGone) entry()    {}
func (Request) entry()       {}
func (answered) entry()      {}

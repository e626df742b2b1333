package sparkconnect

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"path"
	"strings"

	pb "github.com/spurwheel/spurwheel/api/spark/connect"
	"github.com/spurwheel/spurwheel/internal/errs"
)

// AddArtifacts stores what a client uploads: small ones in batches, large ones
// in chunks, each with its checksum. What does not check is not stored.
func (s *Server) AddArtifacts(in pb.SparkConnectService_AddArtifactsServer) error {
	req, err := in.Recv()
	if err != nil {
		return err
	}
	sess, err := s.sessions.acquire(in.Context(), req, true)
	if err != nil {
		return err
	}
	u := &upload{in: in, blobs: sess.engine.State().Blobs(), out: &pb.AddArtifactsResponse{SessionId: sess.key.SessionID, ServerSideSessionId: sess.serverID()}}
	for err == nil {
		if req.GetSessionId() != sess.key.SessionID {
			err = invalidPlan("an upload for several sessions")
			break
		}
		if err = u.request(in.Context(), req); err == nil {
			req, err = in.Recv()
		}
	}
	if !errors.Is(err, io.EOF) {
		return s.failed(sess, err)
	}
	return in.SendAndClose(u.out)
}

// upload is one AddArtifacts call.
type upload struct {
	in    pb.SparkConnectService_AddArtifactsServer
	blobs Blobs
	out   *pb.AddArtifactsResponse
}

func (u *upload) request(ctx context.Context, req *pb.AddArtifactsRequest) error {
	switch k := req.GetPayload().(type) {
	case *pb.AddArtifactsRequest_Batch_:
		for _, a := range k.Batch.GetArtifacts() {
			if err := u.store(ctx, a.GetName(), &chunks{ready: []*pb.AddArtifactsRequest_ArtifactChunk{a.GetData()}}); err != nil {
				return err
			}
		}
		return nil
	case *pb.AddArtifactsRequest_BeginChunk:
		b := k.BeginChunk
		if b.GetTotalBytes() > maxArtifact || b.GetNumChunks() < 1 {
			return errs.Errorf(errs.Exhausted, "sparkconnect.AddArtifacts", "the artifact %s of %d bytes is larger than %d", b.GetName(), b.GetTotalBytes(), maxArtifact)
		}
		c := &chunks{ready: []*pb.AddArtifactsRequest_ArtifactChunk{b.GetInitialChunk()}, left: b.GetNumChunks() - 1, in: u.in, total: b.GetTotalBytes()}
		return u.store(ctx, b.GetName(), c)
	}
	return invalidPlan("a chunk of no artifact")
}

// store puts one artifact; a wrong checksum is told to the client, not an error.
func (u *upload) store(ctx context.Context, name string, c *chunks) error {
	if err := checkName(name); err != nil {
		return err
	}
	err := u.blobs.Put(ctx, name, c)
	if err != nil && !errors.Is(err, errChecksum) {
		return err
	}
	u.out.Artifacts = append(u.out.Artifacts, &pb.AddArtifactsResponse_ArtifactSummary{Name: name, IsCrcSuccessful: err == nil})
	return c.skip()
}

// checkName refuses names that would leave the session's folder.
func checkName(name string) error {
	if name == "" || len(name) > maxArtifactName || strings.ContainsAny(name, "\\\x00") || path.IsAbs(name) || path.Clean(name) != name || strings.HasPrefix(name, "..") {
		c := errs.Cond(errs.IllegalArg, "INVALID_ARTIFACT_PATH", "22023", fmt.Sprintf("The artifact name %q is not a relative path.", name), "name", name)
		return c
	}
	return nil
}

const maxArtifactName = 1024

var errChecksum = errs.Errorf(errs.Corrupt, "sparkconnect.AddArtifacts", "an artifact's checksum does not match")

// chunks reads an artifact's bytes as they come, checking each chunk first.
type chunks struct {
	ready []*pb.AddArtifactsRequest_ArtifactChunk
	left  int64
	in    pb.SparkConnectService_AddArtifactsServer
	cur   bytes.Reader
	total int64 // announced, 0 unknown
	got   int64
}

// Read implements io.Reader.
func (c *chunks) Read(p []byte) (int, error) {
	for c.cur.Len() == 0 {
		chunk, err := c.next()
		if err != nil {
			return 0, err
		}
		if int64(crc32.ChecksumIEEE(chunk.GetData())) != chunk.GetCrc() {
			return 0, errChecksum
		}
		if c.got += int64(len(chunk.GetData())); c.total > 0 && c.got > c.total {
			return 0, invalidPlan("an artifact is longer than announced")
		}
		c.cur.Reset(chunk.GetData())
	}
	return c.cur.Read(p)
}

// next is the next chunk, io.EOF after the last.
func (c *chunks) next() (*pb.AddArtifactsRequest_ArtifactChunk, error) {
	if len(c.ready) > 0 {
		chunk := c.ready[0]
		c.ready = c.ready[1:]
		return chunk, nil
	}
	if c.left == 0 {
		return nil, io.EOF
	}
	req, err := c.in.Recv()
	if errors.Is(err, io.EOF) {
		return nil, invalidPlan("an artifact ends before its last chunk")
	}
	if err != nil {
		return nil, err
	}
	if req.GetChunk() == nil {
		return nil, invalidPlan("an artifact is interrupted by another one")
	}
	c.left--
	return req.GetChunk(), nil
}

// skip reads what is left of a broken artifact off the stream.
func (c *chunks) skip() error {
	for {
		if _, err := c.next(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// ArtifactStatus tells which artifacts are there.
func (s *Server) ArtifactStatus(ctx context.Context, req *pb.ArtifactStatusesRequest) (*pb.ArtifactStatusesResponse, error) {
	sess, err := s.sessions.acquire(ctx, req, true)
	if err != nil {
		return nil, err
	}
	if len(req.GetNames()) > maxNames {
		return nil, s.failed(sess, tooMany("names"))
	}
	out := &pb.ArtifactStatusesResponse{
		SessionId: sess.key.SessionID, ServerSideSessionId: sess.serverID(), Statuses: map[string]*pb.ArtifactStatusesResponse_ArtifactStatus{},
	}
	for _, name := range req.GetNames() {
		has, err := sess.engine.State().Blobs().Has(ctx, name)
		if err != nil {
			return nil, s.failed(sess, err)
		}
		out.Statuses[name] = &pb.ArtifactStatusesResponse_ArtifactStatus{Exists: has}
	}
	return out, nil
}

package main

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/spurwheel/spurwheel/gateway/auth"
	"github.com/spurwheel/spurwheel/gateway/sparkconnect"
	"github.com/spurwheel/spurwheel/internal/clock"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/pki"
	"github.com/spurwheel/spurwheel/scheduler/cluster"
)

// security is what a process proves itself by and tells its callers by. Nil is
// a process on addresses of this machine, which does neither.
type security struct {
	source *pki.Source
	tokens *auth.Tokens // of a process that has clients
}

// openSecurity reads a node's folder of TLS material and the file of tokens;
// either may be empty.
func openSecurity(dir, tokens string, log *slog.Logger) (s *security, err error) {
	if dir == "" && tokens == "" {
		return nil, nil
	}
	s = &security{}
	if dir != "" {
		if s.source, err = pki.Open(dir, clock.Real{}, log); err != nil {
			return nil, err
		}
	}
	if tokens != "" {
		if s.tokens, err = auth.OpenTokens(tokens, clock.Real{}, log); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *security) hasTLS() bool    { return s != nil && s.source != nil }
func (s *security) hasTokens() bool { return s != nil && s.tokens != nil }

// schedulerOptions are of a scheduler's inner port.
func (s *security) schedulerOptions() []grpc.ServerOption {
	if !s.hasTLS() {
		return nil
	}
	return []grpc.ServerOption{grpc.Creds(s.source.ServerCredentials(pki.Roles()...))}
}

// toScheduler is for calls of schedulers' inner ports; nil without TLS.
func (s *security) toScheduler() credentials.TransportCredentials {
	if !s.hasTLS() {
		return nil
	}
	return s.source.ClientCredentials(pki.Scheduler)
}

// raft is for the connections of schedulers with each other.
func (s *security) raft() *cluster.TLS {
	if !s.hasTLS() {
		return nil
	}
	return &cluster.TLS{Server: s.source.ServerConfig(pki.Scheduler), Client: s.source.ClientConfig(pki.Scheduler)}
}

// stores are the two ends of reading stored rows: a worker's door, and the
// dialer of workers and of the leader.
func (s *security) stores() (door, dial *tls.Config) {
	if !s.hasTLS() {
		return nil, nil
	}
	return s.source.ServerConfig(pki.Worker, pki.Scheduler), s.source.ClientConfig(pki.Worker)
}

// gatewayOptions are of the port of users.
func (s *security) gatewayOptions() []grpc.ServerOption {
	var out []grpc.ServerOption
	if s.hasTLS() {
		out = append(out, grpc.Creds(credentials.NewTLS(s.source.DoorConfig())))
	}
	if s.hasTokens() {
		out = append(out, grpc.UnaryInterceptor(auth.Unary(s.tokens, auth.Replace)), grpc.StreamInterceptor(auth.Stream(s.tokens, auth.Replace)))
	}
	return out
}

// users tells a Spark Connect server who calls: the leader believes gateways, a
// server with clients of its own looks at their tokens. Nil asks nobody.
func (s *security) users() sparkconnect.Authenticator {
	switch {
	case s.hasTokens():
		return checkedBy{s.tokens}
	case s.hasTLS():
		return checkedBy{auth.Relayed{}}
	}
	return nil
}

// checkedBy is an Authenticator of the gateway over a Checker.
type checkedBy struct{ auth.Checker }

// Authenticate implements sparkconnect.Authenticator.
func (c checkedBy) Authenticate(ctx context.Context, _, _ string) (sparkconnect.Principal, error) {
	p, err := c.Check(ctx)
	return sparkconnect.Principal{Name: p.Name}, err
}

// newTLS makes what nodes and clients prove themselves with.
func newTLS() *cobra.Command {
	cmd := &cobra.Command{Use: "tls", Short: "Make a cluster's certificates, key and client tokens"}
	cmd.AddCommand(newTLSInit(), newTLSIssue(), newTLSShow(), newTLSToken())
	return cmd
}

func newTLSInit() *cobra.Command {
	var dir, cluster string
	cmd := &cobra.Command{
		Use: "init", Short: "Make a certificate authority and the cluster's key", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ca, err := pki.NewCA(cluster, time.Now())
			if err != nil {
				return err
			}
			if err := ca.Save(dir); err != nil {
				return err
			}
			if err := pki.NewKey(filepath.Join(dir, pki.KeyFile)); err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "authority of cluster %s in %s: keep %s to yourself, give %s to every node\n", cluster, dir, pki.CAKey, pki.KeyFile)
			return err
		},
	}
	cmd.Flags().StringVar(&dir, "dir", "tls", "folder of the authority")
	cmd.Flags().StringVar(&cluster, "cluster", "spurwheel", "name of the cluster")
	return cmd
}

func newTLSIssue() *cobra.Command {
	var dir, out string
	var roles []string
	var q pki.Request
	cmd := &cobra.Command{
		Use: "issue", Short: "Issue a certificate to a node; over an older one it is taken up without a restart", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for _, r := range roles {
				role, err := pki.ParseRole(r)
				if err != nil {
					return err
				}
				q.Roles = append(q.Roles, role)
			}
			ca, err := pki.LoadCA(dir)
			if err != nil {
				return err
			}
			pair, err := ca.Issue(q, time.Now())
			if err != nil {
				return err
			}
			if err := pair.Save(out); err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s and %s for %s in %s\n", pki.NodeFile, pki.CAFile, strings.Join(roles, ", "), out)
			return err
		},
	}
	f := cmd.Flags()
	f.StringVar(&dir, "dir", "tls", "folder of the authority")
	f.StringVar(&out, "out", "", "folder of the node")
	f.StringSliceVar(&roles, "role", nil, "scheduler, worker, gateway or client; several with commas")
	f.StringVar(&q.Name, "name", "", "name of the node, for people")
	f.StringSliceVar(&q.Hosts, "host", nil, "names and addresses by which clients reach a gateway")
	f.IntVar(&q.Days, "days", pki.DefaultDays, "how long it is good for")
	_ = cmd.MarkFlagRequired("out")
	_ = cmd.MarkFlagRequired("role")
	return cmd
}

func newTLSShow() *cobra.Command {
	return &cobra.Command{
		Use: "show FILE...", Short: "Print what certificates say", Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, files []string) error {
			for _, file := range files {
				certs, err := pki.ReadCerts(file)
				if err != nil {
					return err
				}
				for _, c := range certs {
					if _, err := fmt.Fprintf(cmd.OutOrStdout(), "%s: %s\n", file, described(c)); err != nil {
						return err
					}
				}
			}
			return nil
		},
	}
}

// described is a certificate for people.
func described(c *x509.Certificate) string {
	what := "authority"
	if id, err := pki.IdentityOf(c); err == nil {
		what = fmt.Sprintf("%v of cluster %s", id.Roles, id.Cluster)
	}
	hosts := c.DNSNames
	for _, ip := range c.IPAddresses {
		hosts = append(hosts, ip.String())
	}
	sum := sha256.Sum256(c.Raw)
	return fmt.Sprintf("%q, %s, hosts %v, until %s, sha256 %s", c.Subject.CommonName, what, hosts, c.NotAfter.UTC().Format(time.RFC3339), hex.EncodeToString(sum[:8]))
}

func newTLSToken() *cobra.Command {
	var file, role string
	cmd := &cobra.Command{
		Use: "token USER", Short: "Make a client's token: it is printed once, the file keeps its hash", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			secret, line, err := auth.NewToken(args[0], auth.Role(role))
			if err != nil {
				return err
			}
			if err := appendLine(file, line); err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), secret)
			return err
		},
	}
	cmd.Flags().StringVar(&file, "file", filepath.Join("tls", "tokens"), "file of the tokens' hashes")
	cmd.Flags().StringVar(&role, "role", string(auth.User), "admin, user or viewer")
	return cmd
}

// appendLine adds a line to a file that only this user reads.
func appendLine(path, line string) (err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return errs.E(errs.Permission, "", err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return errs.E(errs.Invalid, "", err)
	}
	defer func() { err = firstError(err, f.Close()) }()
	_, err = f.WriteString(line)
	return errs.E(errs.Unavailable, "", err)
}

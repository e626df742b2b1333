package main

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/spurwheel/spurwheel/gateway/auth"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/pki"
)

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

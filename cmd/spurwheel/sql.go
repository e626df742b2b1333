package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/spurwheel/spurwheel/dataset/function"
	"github.com/spurwheel/spurwheel/dataset/sql"
	"github.com/spurwheel/spurwheel/internal/errs"
	"github.com/spurwheel/spurwheel/internal/obs"
	"github.com/spurwheel/spurwheel/scheduler/session"
)

func newSQL(p process) *cobra.Command {
	var query, format string
	cmd := &cobra.Command{
		Use:   "sql [-e QUERY | FILE]",
		Short: "Run SQL in a server inside this process: a query, a file, or a prompt",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withShell(cmd, p, format, func(ctx context.Context, sh *shell) error {
				if query == "" && len(args) == 0 && p.terminal {
					return sh.prompt(ctx, p)
				}
				text, err := statementText(query, args, p)
				if err != nil {
					return err
				}
				return sh.script(ctx, text)
			})
		},
	}
	cmd.Flags().StringVarP(&query, "execute", "e", "", "run this query and exit")
	cmd.Flags().StringVar(&format, "format", "table", "how rows are printed: table, csv or json")
	serverFlags(cmd.Flags())
	return cmd
}

// shell is one session of a node of its own, with somewhere to print.
type shell struct {
	session *session.Session
	out     printer
}

// withShell runs f with a node in this process, whose state is gone afterwards
// unless a data folder was named.
func withShell(cmd *cobra.Command, p process, format string, f func(context.Context, *shell) error) (err error) {
	settings, _, err := loadSettings(p.environ, cmd.Flags())
	if err != nil {
		return err
	}
	if data := cmd.Flags().Lookup("data"); data == nil || !data.Changed {
		if settings.Data, err = os.MkdirTemp("", "spurwheel-sql-"); err != nil {
			return errs.E(errs.Exhausted, "sql", err)
		}
		defer func() { _ = os.RemoveAll(settings.Data) }()
	}
	folder, err := openDataFolder(settings.Data)
	if err != nil {
		return err
	}
	defer func() { err = firstError(err, folder.Close()) }()
	zone, err := function.LoadZone(localZone())
	if err != nil {
		return err
	}
	out, err := newPrinter(p.stdout, format, zone)
	if err != nil {
		return err
	}
	n, err := newNode(settings, obs.NewLogger(p.stderr, obs.ParseLevel(settings.Log.Level), obs.ParseFormat(settings.Log.Format)))
	if err != nil {
		return err
	}
	defer func() { err = firstError(err, n.Close()) }()
	s, err := n.sessions.Open(cmd.Context(), session.Key{User: localUser(), ID: uuid.NewString()})
	if err != nil {
		return err
	}
	return f(cmd.Context(), &shell{session: s, out: out})
}

func localUser() string {
	if u := os.Getenv("USER"); u != "" {
		return u
	}
	return "local"
}

// maxScript bounds SQL read from a file or a pipe, as the parser does.
const maxScript = 16 << 20

func statementText(query string, args []string, p process) (string, error) {
	if query != "" {
		return query, nil
	}
	in := p.stdin
	if len(args) == 1 && args[0] != "-" {
		f, err := os.Open(args[0])
		if err != nil {
			return "", errs.E(errs.Invalid, "sql", err)
		}
		defer func() { _ = f.Close() }()
		in = f
	}
	b, err := io.ReadAll(io.LimitReader(in, maxScript+1))
	if err == nil && len(b) > maxScript {
		err = fmt.Errorf("the script is larger than %d bytes", maxScript)
	}
	return string(b), errs.E(errs.Invalid, "sql", err)
}

// script runs statements one after the other and prints each one's rows. The
// first failure ends it.
func (s *shell) script(ctx context.Context, text string) error {
	statements, err := sql.ParseStatements(text, s.session.ParseOptions())
	if err != nil {
		return err
	}
	for _, st := range statements {
		if err := s.run(ctx, st); err != nil {
			return err
		}
	}
	return nil
}

func (s *shell) run(ctx context.Context, st sql.Statement) error {
	r, err := s.session.Execute(ctx, session.Request{OperationID: uuid.NewString(), Plan: st.Node})
	if err != nil {
		return err
	}
	err = s.out.print(ctx, r)
	return firstError(err, r.Close())
}

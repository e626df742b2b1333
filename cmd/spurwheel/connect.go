package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"time"

	"github.com/spurwheel/spurwheel/gateway/sparkconnect"
	"github.com/spurwheel/spurwheel/internal/config"
	"github.com/spurwheel/spurwheel/internal/errs"
)

// connectServer is the Spark Connect listener.
type connectServer struct {
	listener net.Listener
	server   *sparkconnect.Server
}

func listenConnect(ctx context.Context, settings config.Config, n *node, log *slog.Logger) (*connectServer, error) {
	sec, err := openSecurity(settings.TLS, settings.Tokens, log)
	if err != nil {
		return nil, err
	}
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", settings.Connect)
	if err != nil {
		return nil, errs.E(errs.Unavailable, "connect", err)
	}
	s := sparkconnect.New(sparkconnect.Options{Engine: engine{n.sessions}, SparkVersion: sparkVersion, ZoneID: localZone(), Log: log, Secure: sec.gatewayOptions(), Auth: sec.users()})
	return &connectServer{listener: listener, server: s}, nil
}

func (c *connectServer) address() string { return c.listener.Addr().String() }

// connectGrace bounds what ending sessions may take when the server stops.
const connectGrace = 5 * time.Second

// serve answers until ctx ends; it returns after all executions are gone.
func (c *connectServer) serve(ctx context.Context) error {
	closed := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() { closed <- c.close(ctx) })
	err := c.server.Serve(c.listener)
	if !stop() {
		err = firstError(err, <-closed)
	}
	return err
}

// close ends all executions and sessions. It is idempotent.
func (c *connectServer) close(ctx context.Context) error {
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), connectGrace)
	defer cancel()
	err := c.server.Close(grace)
	if cerr := c.listener.Close(); err == nil && !errors.Is(cerr, net.ErrClosed) {
		err = cerr
	}
	return err
}

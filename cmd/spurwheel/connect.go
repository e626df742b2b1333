package main

import (
	"context"
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
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", settings.Connect)
	if err != nil {
		return nil, errs.E(errs.Unavailable, "connect", err)
	}
	s := sparkconnect.New(sparkconnect.Options{Engine: engine{n.sessions}, SparkVersion: sparkVersion, ZoneID: localZone(), Log: log})
	return &connectServer{listener: listener, server: s}, nil
}

func (c *connectServer) address() string { return c.listener.Addr().String() }

// connectGrace bounds what ending sessions may take when the server stops.
const connectGrace = 5 * time.Second

// serve answers until ctx ends; it returns after all executions are gone.
func (c *connectServer) serve(ctx context.Context) error {
	closed := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), connectGrace)
		defer cancel()
		closed <- c.server.Close(grace)
	})
	err := c.server.Serve(c.listener)
	if !stop() {
		err = firstError(err, <-closed)
	}
	return err
}

// Command spurwheel-gpu owns the devices of a machine on behalf of a spurwheel process, which starts it and speaks to it over a
// socket that it inherits. It is a process of its own because an error of a device poisons the process that made it, and because
// a program that opens the driver cannot be static.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spurwheel/spurwheel/cmd/spurwheel-gpu/internal/driver"
	"github.com/spurwheel/spurwheel/cmd/spurwheel-gpu/internal/serve"
	"github.com/spurwheel/spurwheel/gpu/wire"
)

// inherited is the descriptor of the socket: the first one after the standard streams.
const inherited = 3

func main() {
	driverPath := flag.String("driver", driver.DefaultPath, "the CUDA driver library")
	flag.Parse()
	// An interrupt from the terminal goes to the parent, which saves a checkpoint first and then closes the socket.
	signal.Ignore(os.Interrupt, syscall.SIGHUP)
	if err := run(*driverPath); err != nil {
		fmt.Fprintln(os.Stderr, "spurwheel-gpu:", err)
		os.Exit(1)
	}
}

func run(driverPath string) error {
	socket, err := wire.NewSocket(os.NewFile(inherited, "parent"))
	if err != nil {
		return fmt.Errorf("started by hand: spurwheel starts this program itself: %w", err)
	}
	defer socket.Close()
	return serve.Serve(socket, driverPath)
}

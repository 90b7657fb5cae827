package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	kubeversion "k8s.io/component-base/version"

	"tiphys.dev/localkube/internal/balancer"
	"tiphys.dev/localkube/internal/home"
	"tiphys.dev/localkube/internal/node"
	"tiphys.dev/localkube/internal/pki"
	"tiphys.dev/localkube/internal/plane"
	"tiphys.dev/localkube/internal/provider"
)

// A start takes three seconds; on a machine that is busy with other things, many times that.
const startDeadline = 2 * time.Minute

type serveFlags struct {
	dir           string
	port          int
	unsafeNoFsync bool
	idleLog       bool
	realNode      string
	node          node.Settings
}

// serve runs a control plane until SIGTERM or SIGINT. Exit codes are home.Exit….
func serve(args []string) int {
	flags, err := parseServe(args)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		return home.ExitUsage
	}
	err = run(flags)
	var known *home.Failure
	switch {
	case err == nil:
		return 0
	case errors.As(err, &known):
		fmt.Fprintln(os.Stderr, "localkube:", known.Message)
		return known.Code
	default:
		fmt.Fprintln(os.Stderr, "localkube:", err)
		return exitFor(err)
	}
}

func exitFor(err error) int {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EROFS) || errors.Is(err, os.ErrPermission) {
		return home.ExitDisk
	}
	return home.ExitFailed
}

func parseServe(args []string) (serveFlags, error) {
	var f serveFlags
	flags := flag.NewFlagSet("localkube serve", flag.ContinueOnError)
	flags.StringVar(&f.dir, "dir", "", "directory of the state: made when missing, continued when there")
	flags.IntVar(&f.port, "port", 0, "port on 127.0.0.1; 0 is the one of the last time, or any free one")
	flags.IntVar(&f.node.Nodes, "nodes", 1, "number of simulated nodes")
	flags.DurationVar(&f.node.PodStart, "pod-start", 200*time.Millisecond, "how long a pod takes from being bound to running")
	flags.DurationVar(&f.node.PodLinger, "pod-linger", 2*time.Second, "how long a deleted pod stays, at most its grace period")
	flags.BoolVar(&f.unsafeNoFsync, "unsafe-no-fsync", false, "do not wait for the disk: faster, for state that may be lost with the machine")
	flags.StringVar(&f.realNode, "real-node", "", "simulate no node, and expect a kubelet that serves on this address")
	flags.BoolVar(&f.idleLog, "idle-log", false, "say once a minute on stderr how much memory is used")
	if err := flags.Parse(args); err != nil {
		return f, err
	}
	if f.dir == "" || flags.NArg() > 0 || f.node.Nodes < 1 {
		fmt.Fprintln(os.Stderr, "localkube serve: needs --dir DIR, at least one node, and no other arguments")
		flags.Usage()
		return f, errors.New("usage")
	}
	return f, nil
}

// run takes the directory and the port, and keeps a control plane there until it is told to stop.
func run(flags serveFlags) error {
	began := time.Now()
	signals, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	plane.QuietLogs()

	state, err := home.Open(flags.dir)
	if err != nil {
		return err
	}
	defer state.Close()
	prepared, err := prepare(state, flags)
	if err != nil {
		return err
	}
	if flags.idleLog {
		go logMemory(signals)
	}
	err = live(signals, prepared, func() error { return announce(state, prepared, began) })
	if signals.Err() != nil {
		return nil // whatever failed was interrupted on purpose
	}
	return err
}

// live starts everything, tells that it is ready, waits for the end, and stops everything.
func live(signals context.Context, prepared preparation, ready func() error) error {
	starting, cancel := context.WithTimeout(signals, startDeadline)
	defer cancel()
	started := tuneMemory()
	client, err := kubernetes.NewForConfig(prepared.config)
	if err != nil {
		return err
	}
	control, err := plane.Start(starting, prepared.plane, client)
	if err != nil {
		return err
	}
	defer control.Stop()
	names, stop, err := nodes(starting, client, prepared)
	if err != nil {
		return err
	}
	defer stop()
	around, err := provider.Start(starting, client, prepared.around)
	if err != nil {
		return err
	}
	defer around.Stop()
	if prepared.plane.RealNode {
		balancer, err := balancer.Start(client, prepared.around.Address)
		if err != nil {
			return err
		}
		defer balancer.Stop()
	}
	if err := control.AwaitReady(starting, client, names); err != nil {
		return err
	}
	if err := ready(); err != nil {
		return err
	}
	started()
	select {
	case <-signals.Done():
		return nil
	case err := <-control.Failed():
		return err
	}
}

// nodes starts the simulated nodes, or makes room for a real one, whose start is its own.
func nodes(ctx context.Context, client kubernetes.Interface, prepared preparation) (names []string, stop func(), err error) {
	if prepared.plane.RealNode {
		return nil, func() {}, node.Withdraw(ctx, client)
	}
	started, err := node.Start(ctx, client, prepared.plane.Keys, prepared.node)
	if err != nil {
		return nil, nil, err
	}
	return started.Names(), started.Stop, nil
}

// A start makes much garbage and is waited for; an idle control plane is judged by its resident
// size. So garbage is collected seldom in the start and often afterwards.
const (
	gcStarting, gcRunning = 400, 50
	settling              = 3 * time.Second
)

// tuneMemory leaves GOGC in the environment alone, and otherwise answers what to call when started.
func tuneMemory() (started func()) {
	if os.Getenv("GOGC") != "" {
		return func() {}
	}
	debug.SetGCPercent(gcStarting)
	return func() {
		debug.SetGCPercent(gcRunning)
		time.AfterFunc(settling, debug.FreeOSMemory)
	}
}

// preparation is all that does not depend on anything running.
type preparation struct {
	plane  plane.Settings
	node   node.Settings
	config *rest.Config // of the node and the provider
	around provider.Around
	// realNode is the address of a kubelet that will come; empty where nodes are simulated.
	realNode string
}

// prepare opens the port, and writes the keys and the kubeconfigs.
func prepare(state *home.Home, flags serveFlags) (preparation, error) {
	none := preparation{}
	listener, err := state.Listen(flags.port)
	if err != nil {
		return none, err
	}
	keys, err := pki.Ensure(state.Path("pki"))
	if err != nil {
		return none, err
	}
	server := "https://" + listener.Addr().String()
	admin, err := keys.Kubeconfig(server)
	if err != nil {
		return none, err
	}
	controllers, err := keys.KubeconfigOf("controllers", server)
	if err != nil {
		return none, err
	}
	const controllersFile = "pki/controllers.kubeconfig"
	if err := errors.Join(state.WriteFile("kubeconfig", admin), state.WriteFile(controllersFile, controllers)); err != nil {
		return none, err
	}
	around := provider.Simulated
	if flags.realNode != "" {
		around = provider.Around{Address: flags.realNode, Volumes: state.Path("volumes")}
		if err := certifyNode(state, keys, server, flags.realNode); err != nil {
			return none, err
		}
	}
	config, err := clientcmd.RESTConfigFromKubeConfig(controllers)
	if err != nil {
		return none, err
	}
	config.QPS = -1 // they answer events, and events are not to wait
	settings := plane.Settings{
		Home: state, Keys: keys, Listener: listener,
		Kubeconfig: state.Path(controllersFile), UnsafeNoFsync: flags.unsafeNoFsync, RealNode: flags.realNode != "",
	}
	return preparation{settings, flags.node, config, around, flags.realNode}, nil
}

// certifyNode writes what a kubelet needs: its certificates among the keys, and `kubelet.kubeconfig` there.
func certifyNode(state *home.Home, keys pki.Dir, server, address string) error {
	if err := keys.CertifyNode(address); err != nil {
		return err
	}
	text, err := keys.KubeconfigOf("kubelet", server)
	if err != nil {
		return err
	}
	return state.WriteFile("pki/kubelet.kubeconfig", text)
}

func announce(state *home.Home, prepared preparation, began time.Time) error {
	server := prepared.config.Host
	err := state.Announce(home.Ready{
		Pid: os.Getpid(), Server: server, Version: kubeversion.Get().GitVersion, StartedAt: began.UTC(), RealNode: prepared.realNode,
	})
	if err != nil {
		return err
	}
	fmt.Printf("ready in %.1fs %s\n", time.Since(began).Seconds(), server)
	return nil
}

// logMemory says how large the process is until it is told to stop.
func logMemory(stop context.Context) {
	minute := time.NewTicker(time.Minute)
	defer minute.Stop()
	for {
		select {
		case <-stop.Done():
			return
		case <-minute.C:
		}
		text, err := os.ReadFile("/proc/self/status")
		if err != nil {
			return // not Linux: there is nothing to say
		}
		for line := range strings.Lines(string(text)) {
			if strings.HasPrefix(line, "VmRSS:") || strings.HasPrefix(line, "RssAnon:") {
				fmt.Fprint(os.Stderr, "localkube: ", line)
			}
		}
	}
}

package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// Failing is a check that this machine does not pass: what it is called, why, and what helps.
type Failing struct {
	Name   string `json:"name"`
	Why    string `json:"why"`
	Remedy string `json:"remedy"`
}

// A check tries what the node will do, in small, and takes it back.
var checks = []struct {
	name   string
	try    func(Place) error
	remedy string
}{
	{"capabilities", capabilities, "start the container or machine that this runs in with them (docker run --privileged)"},
	{"namespaces", namespaces, "allow mounts and namespaces (docker run --privileged; sysctl user.max_mnt_namespaces, user.max_pid_namespaces)"},
	{"overlay", overlay, "load the kernel module overlay, and keep the state on ext4, xfs or btrfs (--state-dir)"},
	{"cgroups", groups, "run it where control groups may be written to: outside of a container, or in one with --privileged --cgroupns=host"},
	{"bridge", bridge, "load the kernel module bridge"},
	{"veth", veth, "load the kernel module veth"},
}

// failing are the checks that fail. Without root none of the others says anything.
func failing(place Place) []Failing {
	found := []Failing{}
	if os.Geteuid() != 0 {
		return append(found, Failing{"root", fmt.Sprintf("this runs as user %d, and a node mounts, makes networks and control groups", os.Geteuid()),
			"run it as root (sudo), in a virtual machine if not on this one"})
	}
	for _, check := range checks {
		err := check.try(place)
		if errors.Is(err, syscall.EPERM) && len(found) > 0 {
			continue // for want of what was named already
		}
		if err != nil {
			found = append(found, Failing{check.name, err.Error(), check.remedy})
		}
	}
	return found
}

// What the node itself needs, and what containers have by default, which it must have to give it.
// https://github.com/torvalds/linux/blob/master/include/uapi/linux/capability.h
var neededCapabilities = []struct {
	bit  uint
	name string
}{
	{0, "CAP_CHOWN"}, {1, "CAP_DAC_OVERRIDE"}, {3, "CAP_FOWNER"}, {4, "CAP_FSETID"}, {5, "CAP_KILL"}, {6, "CAP_SETGID"},
	{7, "CAP_SETUID"}, {8, "CAP_SETPCAP"}, {10, "CAP_NET_BIND_SERVICE"}, {12, "CAP_NET_ADMIN"}, {13, "CAP_NET_RAW"},
	{18, "CAP_SYS_CHROOT"}, {21, "CAP_SYS_ADMIN"}, {27, "CAP_MKNOD"}, {29, "CAP_AUDIT_WRITE"}, {31, "CAP_SETFCAP"},
}

func capabilities(Place) error {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return err
	}
	_, after, _ := strings.Cut(string(status), "CapEff:\t")
	text, _, _ := strings.Cut(after, "\n")
	has, err := strconv.ParseUint(text, 16, 64)
	if err != nil {
		return err
	}
	var missing []string
	for _, each := range neededCapabilities {
		if has&(1<<each.bit) == 0 {
			missing = append(missing, each.name)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("root is without %s here", strings.Join(missing, ", "))
	}
	return nil
}

// probe is the sub-command that tries something in the namespaces of a node.
const probe = "try-inside"

func namespaces(place Place) error { return tryInside(place, "mount") }
func overlay(place Place) error    { return tryInside(place, "overlay") }

func tryInside(place Place, what string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	command := exec.Command(self, probe, what, place.path("try"))
	command.SysProcAttr = &syscall.SysProcAttr{Cloneflags: namespacesOfNode | syscall.CLONE_NEWNET | syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS}
	defer os.RemoveAll(place.path("try"))
	out, err := command.CombinedOutput()
	if _, failed := errors.AsType[*exec.ExitError](err); failed {
		return errors.New(strings.TrimPrefix(strings.TrimSpace(string(out)), "localnode: "))
	}
	return err
}

// runProbe is told what to try, and where. Its mounts end with its namespace.
func runProbe(args []string) error {
	if len(args) != 2 {
		return errors.New("usage")
	}
	if err := privately(); err != nil {
		return err
	}
	if args[0] != "overlay" {
		return nil
	}
	lower, upper, work, at := args[1]+"/lower", args[1]+"/upper", args[1]+"/work", args[1]+"/at"
	for _, folder := range []string{lower, upper, work, at} {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return err
		}
	}
	return mountOverlay(lower, upper, work, at)
}

func groups(place Place) error {
	name := place.name() + "-try"
	return errors.Join(makeGroups(name), removeGroups(name))
}

func bridge(Place) error { return link("bridge") }
func veth(Place) error   { return link("veth") }

func link(kind string) error {
	name := fmt.Sprintf("tiphys%d", os.Getpid())
	if err := addLink(name, kind, nil); err != nil {
		return fmt.Errorf("a network interface of the kind %s cannot be made: %w", kind, err)
	}
	return deleteLink(name)
}

// hardware is an address for the bridge that nobody else has: a locally administered one.
func (p Place) hardware() net.HardwareAddr {
	return slices.Concat(net.HardwareAddr{0x02, 0x74, 0x70}, net.HardwareAddr(hexBytes(p.id)))
}

package serve

import (
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// System calls that nothing here has any use for. They answer "permission denied", so that a mistake in a library
// cannot become a request to a network or a program that runs.
var refused = []uint32{
	unix.SYS_SOCKET, unix.SYS_CONNECT, unix.SYS_BIND, unix.SYS_LISTEN,
	unix.SYS_EXECVE, unix.SYS_EXECVEAT,
	unix.SYS_IO_URING_SETUP, unix.SYS_PTRACE, unix.SYS_PROCESS_VM_READV, unix.SYS_PROCESS_VM_WRITEV,
	unix.SYS_KILL, unix.SYS_PIDFD_OPEN, unix.SYS_UNSHARE, unix.SYS_SETNS, unix.SYS_MOUNT, unix.SYS_BPF,
}

// Confine takes from the process what it never needs: network, other programs, core dumps. A kernel or a sandbox that
// does not know how is told of and lived with, for the parent gives us nothing worth stealing.
func Confine(memory MemoryCap) error {
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		return fmt.Errorf("switching off core dumps: %w", err)
	}
	if err := memory.limitAddresses(); err != nil {
		return fmt.Errorf("limiting the address space: %w", err)
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("giving up privileges: %w", err)
	}
	return filterSystemCalls()
}

// limitAddresses makes the kernel refuse what is far beyond the cap, should the watch come too late. Go reserves more
// than a gigabyte of addresses at its start and touches little of it, so the limit counts from there.
func (m MemoryCap) limitAddresses() error {
	if m <= 0 {
		return nil
	}
	status, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return err
	}
	var pages uint64
	if _, err := fmt.Sscan(string(status), &pages); err != nil {
		return err
	}
	most := pages*uint64(os.Getpagesize()) + 4*uint64(m)<<20
	return unix.Setrlimit(unix.RLIMIT_AS, &unix.Rlimit{Cur: most, Max: most})
}

// filterSystemCalls installs the list on every thread of the process at once.
func filterSystemCalls() error {
	filter := filterOf(refused)
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	unwilling, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER,
		unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&program)))
	if errno != 0 {
		return fmt.Errorf("filtering system calls: %w", errno)
	}
	if unwilling != 0 {
		return fmt.Errorf("filtering system calls: thread %d does not take part", unwilling)
	}
	return nil
}

// filterOf is a classic BPF program over the kernel's seccomp_data, whose first word is the call's number. The numbers
// are this architecture's own, so calls by another one's convention (x32 on amd64) are refused by their bit.
func filterOf(calls []uint32) []unix.SockFilter {
	const x32 = 0x40000000
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0},
		{Code: unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K, K: x32, Jt: uint8(len(calls) + 1)},
	}
	for i, call := range calls {
		filter = append(filter, unix.SockFilter{
			Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: call, Jt: uint8(len(calls) - i),
		})
	}
	return append(filter,
		unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
		unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(unix.EACCES)},
	)
}

// NetworkReachable tries whether a socket can be had.
func NetworkReachable() bool {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err == nil {
		_ = unix.Close(fd)
	}
	return err == nil
}

// OwnStdout keeps standard output for frames: it moves the pipe to another descriptor and lets everything that any
// library prints go to standard error.
func OwnStdout() (int, error) {
	pipe, err := unix.FcntlInt(uintptr(unix.Stdout), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return 0, err
	}
	return pipe, unix.Dup3(unix.Stderr, unix.Stdout, 0)
}

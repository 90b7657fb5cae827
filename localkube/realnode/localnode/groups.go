package main

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// What a kubelet limits pods by. In version 1 each may be mounted apart or together with others.
var (
	neededV1 = []string{"cpu", "cpuacct", "cpuset", "memory", "pids", "devices", "freezer", "blkio"}
	neededV2 = []string{"cpu", "cpuset", "memory", "pids"}
)

const groupsAt = "/sys/fs/cgroup"

// hierarchies are the folders below which control groups are made: one in version 2, several in version 1.
// The answer says also which controllers a node needs and this machine has not.
func hierarchies() (roots, missing []string, err error) {
	if text, err := os.ReadFile(groupsAt + "/cgroup.controllers"); err == nil {
		return []string{groupsAt}, without(neededV2, strings.Fields(string(text))), nil
	}
	mounts, err := os.Open("/proc/self/mounts")
	if err != nil {
		return nil, nil, err
	}
	defer mounts.Close()
	var controllers []string
	for lines := bufio.NewScanner(mounts); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) > 3 && fields[2] == "cgroup" && strings.HasPrefix(fields[1], groupsAt) && !slices.Contains(roots, fields[1]) {
			roots = append(roots, fields[1])
			controllers = append(controllers, strings.Split(fields[3], ",")...)
		}
	}
	return roots, without(neededV1, controllers), nil
}

func without(needed, there []string) []string {
	return slices.DeleteFunc(slices.Clone(needed), func(name string) bool { return slices.Contains(there, name) })
}

// makeGroups makes the group that everything of the node is in, in each hierarchy.
func makeGroups(name string) error {
	roots, missing, err := hierarchies()
	if err != nil {
		return err
	}
	if len(missing) > 0 {
		return fmt.Errorf("the kernel does not offer the control groups %s", strings.Join(missing, ", "))
	}
	for _, root := range roots {
		if root == groupsAt {
			err = enable(groupsAt)
		}
		group := filepath.Join(root, name)
		if err := errors.Join(err, os.MkdirAll(group, 0o755)); err != nil {
			return err
		}
		if err := errors.Join(inherit(root, group, "cpuset.cpus"), inherit(root, group, "cpuset.mems")); err != nil {
			return err
		}
	}
	return nil
}

// enable hands the controllers of version 2 down to the groups below.
func enable(group string) error {
	words := "+" + strings.Join(neededV2, " +")
	if err := os.WriteFile(group+"/cgroup.subtree_control", []byte(words), 0o644); err != nil {
		return fmt.Errorf("hand control groups down from %s: %w", group, err)
	}
	return nil
}

// inherit fills in what a new cpuset of version 1 leaves empty, and without which nothing may run in it.
func inherit(from, to, file string) error {
	value, err := os.ReadFile(filepath.Join(from, file))
	if from == groupsAt || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return errors.Join(err, os.WriteFile(filepath.Join(to, file), value, 0o644))
}

// removeGroups removes the node's groups, those of its pods first, in whatever hierarchy they were made: where
// both versions are mounted a runtime makes some in version 2 as well. The kernel lets go of processes that
// were killed a moment after their end, hence the patience.
func removeGroups(name string) error {
	var err error
	for _, pattern := range []string{groupsAt, groupsAt + "/*"} {
		found, _ := filepath.Glob(filepath.Join(pattern, name))
		for _, group := range found {
			err = errors.Join(err, removeTree(group))
		}
	}
	return err
}

func removeTree(group string) error {
	var folders []string
	_ = filepath.WalkDir(group, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			folders = append(folders, path)
		}
		return nil
	})
	slices.Reverse(folders)
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		var left error
		for _, folder := range folders {
			if err := os.Remove(folder); err != nil && !errors.Is(err, fs.ErrNotExist) {
				left = err
			}
		}
		if left == nil || time.Now().After(end) {
			return left
		}
	}
}

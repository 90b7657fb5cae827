// Package files knows how to read inside a folder and nowhere else: no path and no symbolic link leads out of it,
// whoever wrote them. What the files mean is left to the engines.
package files

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"tiphys.dev/toolbox/internal/fault"
)

var utf8BOM = []byte{0xEF, 0xBB, 0xBF}

// Tree is a folder that may be read. Links are followed inside of it only, by the kernel's own openat, so that
// nothing can be swapped between a check and a read.
type Tree struct {
	root *os.Root
	path string
}

// Open opens the folder at an absolute path.
func Open(path string) (*Tree, error) {
	if !filepath.IsAbs(path) {
		return nil, fmt.Errorf("%q is not an absolute path", path)
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, fmt.Errorf("cannot open the folder to read from: %w", err)
	}
	return &Tree{root, filepath.Clean(path)}, nil
}

// Close lets the folder go.
func (t *Tree) Close() { _ = t.root.Close() }

// Name is a path as the tree names it: relative to the folder, with slashes. An absolute path must lie under it.
func (t *Tree) Name(path string) (string, error) {
	name := filepath.Clean(path)
	if filepath.IsAbs(name) {
		relative, err := filepath.Rel(t.path, name)
		if err != nil {
			return "", fmt.Errorf("%s: %w", path, err)
		}
		name = relative
	}
	if !filepath.IsLocal(name) {
		return "", fmt.Errorf("%s lies outside of the folder that may be read here", path)
	}
	return name, nil
}

// Read reads a regular file of at most limit bytes, without a byte order mark.
func (t *Tree) Read(path string, limit int64) ([]byte, error) {
	name, err := t.Name(path)
	if err != nil {
		return nil, err
	}
	info, err := t.root.Stat(name)
	if err != nil {
		return nil, t.explain(name, err)
	}
	return t.readRegular(name, info, limit)
}

func (t *Tree) readRegular(name string, info fs.FileInfo, limit int64) ([]byte, error) {
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file (%s)", name, info.Mode().Type())
	}
	file, err := t.root.Open(name)
	if err != nil {
		return nil, t.explain(name, err)
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err != nil {
		return nil, t.explain(name, err)
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%s is larger than %d bytes, the most that is read of one file", name, limit)
	}
	return bytes.TrimPrefix(data, utf8BOM), nil
}

// Visit is called for each file and folder below a walk's start, by its path from there. Answering true leaves it
// (and what is in it) out; a symbolic link is shown twice, as the link and as what it leads to.
type Visit func(name string, info fs.FileInfo) (skip bool)

// Found is a file that a walk read.
type Found struct {
	Name string
	Info fs.FileInfo
	Data []byte
}

// Caps bound what a walk reads.
type Caps struct {
	Files     int
	FileBytes int64
	AllBytes  int64
}

// Walk reads every file below start, in the order of Helm's own walk: by name, folder by folder, links followed.
func (t *Tree) Walk(start string, skip Visit, caps Caps) ([]Found, error) {
	name, err := t.Name(start)
	if err != nil {
		return nil, err
	}
	info, err := t.root.Stat(name)
	if err != nil {
		return nil, t.explain(name, err)
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("%s is not a folder", name)
	}
	w := walk{tree: t, start: name, skip: skip, caps: caps}
	if err := w.folder("", []fs.FileInfo{info}); err != nil {
		return nil, err
	}
	return w.found, nil
}

type walk struct {
	tree  *Tree
	start string
	skip  Visit
	caps  Caps
	found []Found
	bytes int64
}

func (w *walk) folder(relative string, above []fs.FileInfo) error {
	names, err := w.tree.list(filepath.Join(w.start, relative))
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := w.entry(filepath.Join(relative, name), above); err != nil {
			return err
		}
	}
	return nil
}

func (w *walk) entry(relative string, above []fs.FileInfo) error {
	full := filepath.Join(w.start, relative)
	info, err := w.tree.root.Lstat(full)
	if err != nil {
		return w.tree.explain(full, err)
	}
	if w.skip(filepath.ToSlash(relative), info) {
		return nil
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		if info, err = w.tree.root.Stat(full); err != nil {
			return w.tree.explain(full, err)
		}
		if w.skip(filepath.ToSlash(relative), info) {
			return nil
		}
	}
	if info.IsDir() {
		if slices.ContainsFunc(above, func(a fs.FileInfo) bool { return os.SameFile(a, info) }) {
			return fmt.Errorf("%s is a symbolic link to a folder that it lies in: a loop", full)
		}
		return w.folder(relative, append(slices.Clip(above), info))
	}
	return w.file(relative, full, info)
}

func (w *walk) file(relative, full string, info fs.FileInfo) error {
	if len(w.found) == w.caps.Files {
		return fmt.Errorf("%s holds more than %d files", w.start, w.caps.Files)
	}
	data, err := w.tree.readRegular(full, info, w.caps.FileBytes)
	if err != nil {
		return err
	}
	if w.bytes += int64(len(data)); w.bytes > w.caps.AllBytes {
		return fmt.Errorf("%s holds more than %d bytes", w.start, w.caps.AllBytes)
	}
	w.found = append(w.found, Found{filepath.ToSlash(relative), info, data})
	return nil
}

func (t *Tree) list(name string) ([]string, error) {
	folder, err := t.root.Open(name)
	if err != nil {
		return nil, t.explain(name, err)
	}
	defer folder.Close()
	names, err := folder.Readdirnames(-1)
	if err != nil {
		return nil, t.explain(name, err)
	}
	slices.Sort(names)
	return names, nil
}

// explain says of a failed read which file it was about, relative to the folder, and names the link that leads out.
func (t *Tree) explain(name string, err error) error {
	cause := err
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		cause = path.Err
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s does not exist", name)
	case errors.Is(err, syscall.ELOOP):
		return fmt.Errorf("%s: its symbolic links form a loop", name)
	case strings.Contains(cause.Error(), "path escapes from parent"):
		return fmt.Errorf("%s%s leads outside of the folder that may be read here; "+
			"put the file itself in its place", name, t.culprit(name))
	}
	return fault.Internalf("cannot read %s: %w", name, cause)
}

// culprit finds the first part of a path that is a symbolic link: " (the symbolic link a/b)".
func (t *Tree) culprit(name string) string {
	parts := strings.Split(filepath.ToSlash(name), "/")
	for i := range parts {
		part := filepath.Join(parts[:i+1]...)
		info, err := t.root.Lstat(part)
		if err == nil && info.Mode()&fs.ModeSymlink != 0 && part != name {
			return fmt.Sprintf(" (by the symbolic link %s)", part)
		}
	}
	return ", a symbolic link,"
}

// Has says whether there is anything at a path, be it a link that leads nowhere.
func (t *Tree) Has(path string) bool {
	name, err := t.Name(path)
	if err != nil {
		return false
	}
	_, err = t.root.Lstat(name)
	return err == nil
}

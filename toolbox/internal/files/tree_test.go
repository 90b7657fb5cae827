package files

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var caps = Caps{Files: 10, FileBytes: 100, AllBytes: 300}

func none(string, fs.FileInfo) bool { return false }

// laid makes a tree: a name that ends in a slash is a folder, "a -> b" a symbolic link, any other a file.
func laid(t *testing.T, names ...string) *Tree {
	t.Helper()
	root := filepath.Join(t.TempDir(), "root")
	must(t, os.MkdirAll(root, 0o755))
	must(t, os.WriteFile(filepath.Join(root, "..", "secret"), []byte("secret"), 0o600))
	for _, name := range names {
		link, target, isLink := strings.Cut(name, " -> ")
		path := filepath.Join(root, link)
		must(t, os.MkdirAll(filepath.Dir(path), 0o755))
		switch {
		case isLink:
			must(t, os.Symlink(target, path))
		case strings.HasSuffix(name, "/"):
			must(t, os.MkdirAll(path, 0o755))
		default:
			must(t, os.WriteFile(path, []byte("\xEF\xBB\xBFtext of "+name), 0o600))
		}
	}
	tree, err := Open(root)
	must(t, err)
	t.Cleanup(tree.Close)
	return tree
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestAFileIsReadByEitherNameAndWithoutItsMark(t *testing.T) {
	tree := laid(t, "a/b", "link -> a/b", "folder -> a")
	for _, path := range []string{"a/b", filepath.Join(tree.path, "a/b"), "link", "folder/b", "./a/../a/b"} {
		if data, err := tree.Read(path, 100); err != nil || string(data) != "text of a/b" {
			t.Errorf("%s: %q, %v", path, data, err)
		}
	}
}

func TestNothingOutsideIsRead(t *testing.T) {
	tree := laid(t, "a/", "up -> ../secret", "abs -> /etc/passwd", "far -> a/far", "a/far -> ../../secret", "dir -> ..")
	for path, message := range map[string]string{
		"../secret":              "lies outside of the folder",
		"/etc/passwd":            "lies outside of the folder",
		tree.path + "/../secret": "lies outside of the folder",
		"up":                     "up, a symbolic link, leads outside",
		"abs":                    "abs, a symbolic link, leads outside",
		"far":                    "far, a symbolic link, leads outside",
		"dir/secret":             "dir/secret (by the symbolic link dir) leads outside",
	} {
		if data, err := tree.Read(path, 100); err == nil || !strings.Contains(err.Error(), message) {
			t.Errorf("%s: %q, %v; wanted %s", path, data, err, message)
		}
	}
}

func TestWhatCannotBeReadIsTold(t *testing.T) {
	tree := laid(t, "folder/", "big", "me -> me", "dead -> nowhere")
	for path, message := range map[string]string{
		"none":   "none does not exist",
		"dead":   "dead does not exist",
		"folder": "folder is not a regular file",
		"big":    "big is larger than 3 bytes",
		"me":     "me: its symbolic links form a loop",
	} {
		if _, err := tree.Read(path, 3); err == nil || !strings.Contains(err.Error(), message) {
			t.Errorf("%s: %v; wanted %s", path, err, message)
		}
	}
}

func TestAWalkFindsFilesByNameFolderByFolderThroughLinks(t *testing.T) {
	tree := laid(t, "c/b.txt", "c/b/x", "c/a", "c/link -> ../other", "other/y", "c/skip/z")
	found, err := tree.Walk("c", func(name string, _ fs.FileInfo) bool { return name == "skip" }, caps)
	must(t, err)
	names := []string{}
	for _, file := range found {
		names = append(names, file.Name)
	}
	if wanted := []string{"a", "b/x", "b.txt", "link/y"}; !slices.Equal(names, wanted) {
		t.Errorf("%v, wanted %v", names, wanted)
	}
}

func TestAWalkEnds(t *testing.T) {
	many := []string{}
	for _, letter := range "abcdefghijkl" {
		many = append(many, string(letter))
	}
	for message, names := range map[string][]string{
		"a loop":               {"a/b/up -> ../..", "a/x"},
		"more than 10 files":   many,
		"leads outside":        {"a -> ../secret"},
		"does not exist":       {"a -> nowhere"},
		"more than 300 bytes":  {strings.Repeat("a", 80), strings.Repeat("b", 80), strings.Repeat("c", 80), strings.Repeat("d", 80)},
		"larger than 100 byte": {strings.Repeat("a", 100)},
	} {
		if _, err := laid(t, names...).Walk(".", none, caps); err == nil || !strings.Contains(err.Error(), message) {
			t.Errorf("%v: %v; wanted %s", names, err, message)
		}
	}
}

package node

import (
	"testing"
	"time"
)

func TestAProgramEndsAsWritten(t *testing.T) {
	const forever = -1
	for _, c := range []struct {
		argv []string
		code int
		took time.Duration
	}{
		{argv: []string{"true"}, code: 0},
		{argv: []string{"/bin/false"}, code: 1},
		{argv: []string{"sleep", "3"}, took: 3 * time.Second},
		{argv: []string{"sleep", "0.5"}, took: 500 * time.Millisecond},
		{argv: []string{"sleep", "1m", "5s"}, took: 65 * time.Second},
		{argv: []string{"sleep", "infinity"}, code: forever},
		{argv: []string{"sleep", "soon"}, code: 1},
		{argv: []string{"echo", "hello"}},
		{argv: []string{"nginx", "-g", "daemon off;"}, code: forever},
		{argv: []string{"sh", "-c", "exit 3"}, code: 3},
		{argv: []string{"sh", "-c", "exit 256"}, code: 0},
		{argv: []string{"sh", "-c", "sleep 2; exit 7"}, code: 7, took: 2 * time.Second},
		{argv: []string{"sh", "-c", "false; echo on"}, code: 0},
		{argv: []string{"sh", "-c", "false && sleep 9"}, code: 1},
		{argv: []string{"sh", "-c", "false && sleep 9 || exit 4"}, code: 4},
		{argv: []string{"sh", "-c", "true || sleep 9; sleep 1"}, took: time.Second},
		{argv: []string{"sh", "-ec", "false\nsleep 9"}, code: 1},
		{argv: []string{"sh", "-c", "set -eu\nfalse || true\nfalse\nexit 0"}, code: 1},
		{argv: []string{"sh", "-c", "true || never-reached"}, code: 0},
		{argv: []string{"/bin/bash", "-c", "echo 'a; b' # no\nexit 2"}, code: 2},
		{argv: []string{"sh", "-c", "echo broken >&2 && exit 1"}, code: 1},
		{argv: []string{"sh", "-c", "echo x > /tmp/f 2>/dev/null; exit 5"}, code: 5},
		{argv: []string{"sh", "-c", "exec sleep 2; exit 9"}, took: 2 * time.Second},
		{argv: []string{"sh", "-c", "sh -c 'exit 6'; exit"}, code: 6},
		{argv: []string{"sh", "-c", "while true; do sleep 1; done"}, code: forever},
		{argv: []string{"sh", "-c", "python migrate.py && exit 0"}, code: forever},
		{argv: []string{"sh", "-c", "cat x | grep y"}, code: forever},
		{argv: []string{"sh", "-c", "echo 'unclosed"}, code: forever},
		{argv: []string{"sh"}, code: forever},
		{argv: []string{"sh", "run.sh"}, code: forever},
		{argv: []string{"sh", "-c", ""}, code: 0},
	} {
		got := Interpret(c.argv)
		if got.Forever != (c.code == forever) {
			t.Errorf("%q: runs on: %v", c.argv, got.Forever)
		} else if !got.Forever && (got.Code != c.code || got.Took != c.took) {
			t.Errorf("%q: ended with %d after %v, want %d after %v", c.argv, got.Code, got.Took, c.code, c.took)
		}
	}
}

func TestAProgramSaysItsLinesInTheirTime(t *testing.T) {
	got := Interpret([]string{"sh", "-c", `echo one; sleep 2; echo "two  three" 'four'`})
	want := []Line{{0, "one"}, {2 * time.Second, "two  three four"}}
	if len(got.Lines) != 2 || got.Lines[0] != want[0] || got.Lines[1] != want[1] {
		t.Errorf("said %v, want %v", got.Lines, want)
	}
}

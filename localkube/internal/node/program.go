package node

import (
	"strconv"
	"strings"
	"time"
)

// Program is what a container will do, known before it is run.
type Program struct {
	// Forever is a program that was not understood, or that has no end.
	Forever bool
	Code    int
	Took    time.Duration
	Lines   []Line
}

// Line is one line of output, at its time after the start.
type Line struct {
	At   time.Duration
	Text string
}

// Interpret reads a command line with its arguments. It knows true, false, exit, sleep, echo and
// sh -c of those joined by ; && || and newlines. Whatever else is reached runs on for ever.
func Interpret(argv []string) Program {
	run := &running{}
	run.call(argv)
	run.program.Code &= 0xff // as wait(2) has it
	return run.program
}

// running is a program in the middle of being read.
type running struct {
	program Program
	ended   bool // by exit, or because it never ends
	errexit bool
}

type builtin func(r *running, args []string)

var builtins map[string]builtin

func init() { // not in the declaration: sh calls builtins again
	builtins = map[string]builtin{
		"true":  func(r *running, _ []string) { r.program.Code = 0 },
		":":     func(r *running, _ []string) { r.program.Code = 0 },
		"false": func(r *running, _ []string) { r.program.Code = 1 },
		"echo":  (*running).echo,
		"exit":  (*running).exit,
		"exec":  (*running).exec,
		"set":   (*running).set,
		"sleep": (*running).sleep,
		"sh":    (*running).shell, "ash": (*running).shell, "bash": (*running).shell, "dash": (*running).shell,
	}
}

func (r *running) call(argv []string) {
	if len(argv) == 0 {
		return
	}
	name := argv[0][strings.LastIndexByte(argv[0], '/')+1:]
	run, known := builtins[name]
	if !known {
		r.forever()
		return
	}
	run(r, argv[1:])
}

func (r *running) forever() { r.program.Forever, r.ended = true, true }

func (r *running) echo(args []string) {
	for len(args) > 0 && (args[0] == "-n" || args[0] == "-e") {
		args = args[1:]
	}
	r.program.Lines = append(r.program.Lines, Line{r.program.Took, strings.Join(args, " ")})
	r.program.Code = 0
}

func (r *running) exit(args []string) {
	r.ended = true
	if len(args) == 0 {
		return
	}
	code, err := strconv.Atoi(args[0])
	if err != nil {
		code = 2 // what a shell says to `exit abc`
	}
	r.program.Code = code
}

func (r *running) exec(args []string) {
	r.call(args)
	r.ended = r.ended || len(args) > 0
}

func (r *running) set(args []string) {
	for _, arg := range args {
		if strings.HasPrefix(arg, "-") && strings.Contains(arg, "e") {
			r.errexit = true
		}
	}
	r.program.Code = 0
}

var sleepUnits = map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour}

func (r *running) sleep(args []string) {
	r.program.Code = 0
	for _, arg := range args {
		unit, number := time.Second, arg
		if arg != "" && sleepUnits[arg[len(arg)-1]] != 0 {
			unit, number = sleepUnits[arg[len(arg)-1]], arg[:len(arg)-1]
		}
		seconds, err := strconv.ParseFloat(number, 64)
		switch {
		case arg == "infinity" || arg == "inf" || seconds*float64(unit) > 1e17: // some three years
			r.forever()
			return
		case err != nil || seconds < 0:
			r.program.Code = 1
			return
		}
		r.program.Took += time.Duration(seconds * float64(unit))
	}
}

// shell runs `sh [-options] -c script`; a shell with a file or a terminal is not understood.
func (r *running) shell(args []string) {
	inner := &running{program: Program{Took: r.program.Took, Lines: r.program.Lines}}
	isScript := false
	for len(args) > 0 && strings.HasPrefix(args[0], "-") {
		inner.errexit = inner.errexit || strings.Contains(args[0], "e")
		isScript = isScript || strings.Contains(args[0], "c")
		args = args[1:]
	}
	if !isScript || len(args) == 0 {
		r.forever()
		return
	}
	inner.script(args[0])
	r.program = inner.program
	r.ended = r.ended || r.program.Forever
}

// script runs lists of commands. A list is `a && b || c`; lists are ended by ; or a newline.
func (r *running) script(text string) {
	words, ok := split(text)
	if !ok {
		r.forever()
		return
	}
	for len(words) > 0 && !r.ended {
		var list []word
		list, words = cut(words, ";")
		r.list(list)
	}
}

func (r *running) list(words []word) {
	wanted, ran := true, false
	for len(words) > 0 && !r.ended {
		command, rest := cutAny(words, "&&", "||")
		if wanted {
			r.call(texts(command))
		}
		ran, words = wanted, rest
		if len(rest) > 0 {
			joint := rest[0].text
			wanted, words = (r.program.Code == 0) == (joint == "&&"), rest[1:]
		}
	}
	// As in a shell, `set -e` looks at the last command of a list only.
	if r.errexit && ran && r.program.Code != 0 {
		r.ended = true
	}
}

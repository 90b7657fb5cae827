package node

import "strings"

// word is a piece of a shell script: an operator, or text with its quotes taken off.
type word struct {
	text     string
	operator bool
}

// split takes a script apart. It answers false for what the interpreter does not understand: pipes,
// background jobs, groups, unclosed quotes. Redirections are dropped, since there are no files.
func split(script string) ([]word, bool) {
	s := splitter{rest: strings.ReplaceAll(script, "\\\n", "")}
	for s.rest != "" {
		if !s.next() {
			return nil, false
		}
	}
	s.flush()
	return s.words, true
}

type splitter struct {
	rest   string
	words  []word
	text   strings.Builder
	inWord bool
	quiet  bool // the next word is the target of a redirection
}

func (s *splitter) next() bool {
	for _, operator := range []string{"&&", "||", ";", "\n"} {
		if strings.HasPrefix(s.rest, operator) {
			s.flush()
			s.rest = s.rest[len(operator):]
			s.words = append(s.words, word{strings.Replace(operator, "\n", ";", 1), true})
			return true
		}
	}
	switch c := s.rest[0]; c {
	case ' ', '\t', '\r':
		s.flush()
		s.rest = s.rest[1:]
	case '\'', '"':
		return s.quoted(c)
	case '\\':
		return s.escaped()
	case '#':
		s.comment()
	case '>':
		s.redirect()
	case '|', '&', '(', ')', '<', '`':
		return false
	default:
		s.take(1)
	}
	return true
}

func (s *splitter) take(n int) {
	s.text.WriteString(s.rest[:n])
	s.rest, s.inWord = s.rest[n:], true
}

func (s *splitter) quoted(quote byte) bool {
	s.rest, s.inWord = s.rest[1:], true
	for s.rest != "" && s.rest[0] != quote {
		if quote == '"' && s.rest[0] == '\\' && len(s.rest) > 1 && strings.IndexByte("\\\"$`", s.rest[1]) >= 0 {
			s.rest = s.rest[1:]
		}
		s.take(1)
	}
	if s.rest == "" {
		return false
	}
	s.rest = s.rest[1:]
	return true
}

func (s *splitter) escaped() bool {
	if len(s.rest) < 2 {
		return false
	}
	s.rest = s.rest[1:]
	s.take(1)
	return true
}

func (s *splitter) comment() {
	if s.inWord {
		s.take(1)
		return
	}
	end := strings.IndexByte(s.rest, '\n')
	if end < 0 {
		end = len(s.rest)
	}
	s.rest = s.rest[end:]
}

// redirect drops `>file`, `>> file`, `2>file` and `>&2`.
func (s *splitter) redirect() {
	if text := s.text.String(); text == "1" || text == "2" {
		s.text.Reset()
		s.inWord = false
	}
	s.flush()
	s.rest = strings.TrimLeft(strings.TrimLeft(s.rest, ">"), "&")
	s.quiet = true
}

func (s *splitter) flush() {
	if s.inWord && !s.quiet {
		s.words = append(s.words, word{text: s.text.String()})
	}
	s.quiet = s.quiet && !s.inWord
	s.text.Reset()
	s.inWord = false
}

// cut answers what is before the operator, and what is after it.
func cut(words []word, operator string) (before, after []word) {
	before, after = cutAny(words, operator)
	if len(after) > 0 {
		after = after[1:]
	}
	return before, after
}

// cutAny is the same for several operators; the one that was found is the first of after.
func cutAny(words []word, operators ...string) (before, after []word) {
	for i, w := range words {
		for _, operator := range operators {
			if w.operator && w.text == operator {
				return words[:i], words[i:]
			}
		}
	}
	return words, nil
}

func texts(words []word) []string {
	all := make([]string, len(words))
	for i, w := range words {
		all[i] = w.text
	}
	return all
}

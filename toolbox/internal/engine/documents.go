package engine

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"sigs.k8s.io/yaml"
)

// part is one document of a file, as text, with the line on which it begins.
type part struct {
	file string
	line int
	text []byte
}

// splitDocuments cuts a text at the lines that Kubernetes' own reader takes for separators: "---", alone or before a
// comment. The lines are kept, so that an error can name them; carriage returns are dropped, as that reader does.
func splitDocuments(file string, text []byte) ([]part, error) {
	var parts []part
	current := part{file: file, line: 1}
	finish := func(next int) {
		if len(bytes.TrimSpace(current.text)) > 0 {
			parts = append(parts, current)
		}
		current = part{file: file, line: next}
	}
	number := 0
	for line := range bytes.Lines(text) {
		number++
		if ended, hasEnd := bytes.CutSuffix(line, []byte("\n")); hasEnd {
			line = bytes.TrimSuffix(ended, []byte("\r"))
		}
		if rest, separates := bytes.CutPrefix(line, []byte("---")); separates {
			if rest = bytes.TrimSpace(rest); len(rest) > 0 && rest[0] != '#' {
				return nil, fmt.Errorf("%s: line %d: %q is neither a separator nor YAML; "+
					"only a comment may follow \"---\"", file, number, line)
			}
			finish(number + 1)
			continue
		}
		current.text = append(append(current.text, line...), '\n')
	}
	finish(number)
	return parts, nil
}

// decode reads one document as Kubernetes does: YAML 1.1, the last of duplicate keys, whole numbers without a point.
func (p part) decode() (json.RawMessage, error) {
	object, err := yaml.YAMLToJSON(p.text)
	if err != nil {
		return nil, p.explain(err)
	}
	if depth(object) > deepestDocument {
		return nil, fmt.Errorf("%s: the document that begins on line %d nests more than %d levels deep",
			p.file, p.line, deepestDocument)
	}
	return object, nil
}

// What nests deeper is no Kubernetes object, and other JSON libraries would refuse it.
const deepestDocument = 200

func depth(object json.RawMessage) int {
	now, most, inText := 0, 0, false
	for i := 0; i < len(object); i++ {
		switch c := object[i]; {
		case inText && c == '\\':
			i++
		case c == '"':
			inText = !inText
		case inText:
		case c == '{' || c == '[':
			now++
			most = max(most, now)
		case c == '}' || c == ']':
			now--
		}
	}
	return most
}

var errorLine = regexp.MustCompile(`^(?:unmarshal errors:\s+)?line (\d+): `)

// explain says where a document went wrong: the file, the line in the file, and the line itself.
func (p part) explain(err error) error {
	message, fromParser := strings.CutPrefix(err.Error(), "yaml: ")
	if !fromParser {
		// The converter's complaint: it knows no line, and may show a value that is nobody's business.
		return fmt.Errorf("%s: the document that begins on line %d: %s", p.file, p.line, withoutValue(message))
	}
	line := 1
	if match := errorLine.FindStringSubmatch(message); match != nil {
		line, _ = strconv.Atoi(match[1])
		message = message[len(match[0]):]
	}
	return fmt.Errorf("%s: line %d: %s%s", p.file, p.line+line-1, withoutValue(message), p.quote(line))
}

// withoutValue takes out of a message what it repeats of the document: that is left to quote.
func withoutValue(message string) string {
	for _, mark := range []string{", key:", ": map[", "`"} {
		message, _, _ = strings.Cut(message, mark)
	}
	return strings.TrimSpace(message)
}

// quote shows a line and the one after it: where a parser notices a mistake is often one line off.
func (p part) quote(line int) string {
	lines := strings.Split(strings.TrimRight(string(p.text), "\n"), "\n")
	var shown strings.Builder
	for number := line; number <= line+1 && number <= len(lines); number++ {
		fmt.Fprintf(&shown, "\n  %4d | %s", p.line+number-1, p.discreet(lines[number-1]))
	}
	return shown.String()
}

const longestQuote = 160

var secretKind = regexp.MustCompile(`(?m)^\s*["']?kind["']?\s*:\s*["']?Secret["']?\s*(#.*)?$`)

// discreet shortens a line, and of a Secret shows the key alone.
func (p part) discreet(line string) string {
	if secretKind.Match(p.text) {
		key, value, found := strings.Cut(line, ":")
		if !found {
			return "(a line of a Secret, not shown)"
		}
		if strings.TrimSpace(value) != "" {
			return key + ": (not shown)"
		}
		return line
	}
	if runes := []rune(line); len(runes) > longestQuote {
		return string(runes[:longestQuote]) + "…"
	}
	return line
}

func isNull(object json.RawMessage) bool { return len(object) == 0 || string(object) == "null" }

// jsonError says where a JSON text went wrong.
func jsonError(file string, text []byte, err error) error {
	if err == nil {
		return fmt.Errorf("%s: there is something after the first JSON value; a JSON file holds one object", file)
	}
	offset := int64(len(text))
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		offset = min(syntax.Offset, offset)
	}
	line := 1 + bytes.Count(text[:offset], []byte("\n"))
	whole := part{file: file, line: 1, text: text}
	return fmt.Errorf("%s: line %d: %w%s", file, line, err, whole.quote(line))
}

// kubernetesNumbers gives the numbers of a JSON value as Kubernetes' YAML has them: integers of 64 bits exactly,
// anything else as the shortest text of its floating-point value, so that 1.0 is 1.
func kubernetesNumbers(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for key, item := range v {
			v[key] = kubernetesNumbers(item)
		}
	case []any:
		for i, item := range v {
			v[i] = kubernetesNumbers(item)
		}
	case json.Number:
		return kubernetesNumber(v)
	}
	return value
}

func kubernetesNumber(number json.Number) any {
	text := number.String()
	if integer, err := strconv.ParseInt(text, 10, 64); err == nil {
		return integer
	}
	if integer, err := strconv.ParseUint(text, 10, 64); err == nil {
		return integer
	}
	if float, err := number.Float64(); err == nil {
		return float
	}
	return number
}

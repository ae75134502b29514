// Reads JSON lines of [text, …] and prints [text, what the API server's YAML reader makes of it, as JSON; null where it fails]. See README.md.
package main

import (
	"bufio"
	"encoding/json"
	"os"

	"sigs.k8s.io/yaml"
)

func main() {
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var line []any
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			panic(err)
		}
		text := line[0].(string)
		var answer any
		if read, err := yaml.YAMLToJSONStrict([]byte(text)); err == nil {
			answer = string(read)
		}
		if err := out.Encode([]any{text, answer}); err != nil {
			panic(err)
		}
	}
}

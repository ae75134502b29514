/** The shells that there is a script for. */
export const shells = ["bash", "zsh", "fish"] as const;

/** The scripts hold no words of their own: each asks the program, so that they never go stale. */
export const scripts: Readonly<Record<(typeof shells)[number], string>> = {
  bash: `# countersign completion for bash
_countersign() {
  local line value
  COMPREPLY=()
  while IFS= read -r line; do
    value=\${line%%$'\\t'*}
    COMPREPLY+=("$(printf '%q ' "$value")")
  done < <(countersign __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -o nospace -F _countersign countersign`,
  zsh: `#compdef countersign
# countersign completion for zsh
_countersign() {
  local line tab=$'\\t'
  local -a described
  while IFS= read -r line; do
    line=\${line//:/\\\\:}
    described+=("\${line/$tab/:}")
  done < <(countersign __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)
  if (( \${#described} )); then _describe countersign described; else _files; fi
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _countersign "$@"; else compdef _countersign countersign; fi`,
  fish: `# countersign completion for fish
function __countersign_complete
  set -l words (commandline -opc) (commandline -ct)
  set -l found (countersign __complete -- $words[2..-1] 2>/dev/null)
  if set -q found[1]
    string join \\n -- $found
  else
    __fish_complete_path (commandline -ct)
  end
end
complete -c countersign -f -a '(__countersign_complete)'`,
};

/** The shell scripts for completion. They call clip at each TAB, so an installed script never becomes outdated. */

/** The shells that have a script. */
export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

const bash = `# clip completions bash: put  eval "$(clip completions bash)"  into ~/.bashrc
_clip() {
  local line value current="\${COMP_WORDS[COMP_CWORD]}"
  COMPREPLY=()
  while IFS= read -r line; do
    if [ "$line" = ":files" ]; then
      while IFS= read -r value; do COMPREPLY+=("$value"); done < <(compgen -f -- "$current")
      compopt -o filenames 2>/dev/null
      return
    fi
    # Names are those of runs and agents: a quoted one is an argument, whatever is in it.
    printf -v value '%q' "\${line%%$'\\t'*}"
    COMPREPLY+=("$value")
  done < <(clip completions --complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _clip clip
`;

const zsh = `#compdef clip
# clip completions zsh: put  eval "$(clip completions zsh)"  into ~/.zshrc, after compinit
_clip() {
  local line value
  local -a values says
  for line in "\${(@f)$(clip completions --complete "\${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    [[ "$line" == ":files" ]] && { _files; return }
    [[ -z "$line" ]] && continue
    value="\${line%%$'\\t'*}"
    values+=("$value")
    says+=("$value  \${line#*$'\\t'}")
  done
  (( \${#values} )) && compadd -l -d says -a values
}
if [[ "\${funcstack[1]}" == "_clip" ]]; then _clip "$@"; else compdef _clip clip; fi
`;

const fish = `# clip completions fish: clip completions fish > ~/.config/fish/completions/clip.fish
function __clip_complete
  set -l words (commandline -opc) (commandline -ct)
  set -l lines (command clip completions --complete $words[2..-1] 2>/dev/null)
  if test "$lines[1]" = ":files"
    __fish_complete_path (commandline -ct)
  else
    printf '%s\\n' $lines
  end
end
complete -c clip -f -a '(__clip_complete)'
`;

/** The script of each shell. */
export const completionScripts: Readonly<Record<Shell, string>> = { bash, zsh, fish };

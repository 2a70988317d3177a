import tab from '@bomb.sh/tab/commander';
import type { Command } from 'commander';

/** Adds `completion SHELL`, which prints a script, and the hidden command that the script calls. Add all other commands first. */
export function addCompletion(program: Command): void {
  const completions = tab(program, { completionCommandName: 'completion' });
  const name = program.name();
  const command = program.commands.find((command) => command.name() === 'completion');
  command?.action((shell: string) => {
    if (shell === 'bash') console.log(bashScript(name));
    else completions.setup(name, name, shell);
  });
}

/**
 * For bash 3.2, which macOS has, and later. The library's own script needs the package bash-completion, and fails when it is sourced twice. If nothing is
 * suggested, bash completes files.
 */
function bashScript(name: string): string {
  const fn = `_${name.replaceAll(/\W/g, '_')}_complete`;
  return `# bash completion for ${name}
${fn}() {
    local cur=\${COMP_WORDS[COMP_CWORD]} word line
    local words=()
    for word in "\${COMP_WORDS[@]:1:COMP_CWORD}"; do
        [[ $word == "=" ]] || words+=("$word") # bash makes three words of --flag=value
    done
    if [[ $cur == "=" ]]; then
        cur=
        words+=("")
    fi
    COMPREPLY=()
    while IFS= read -r line; do
        line=\${line%%$'\\t'*} # a description follows
        [[ $line == :* || $line != "$cur"* ]] || COMPREPLY+=("$line")
    done < <(${name} complete -- "\${words[@]}" 2>/dev/null)
}
complete -o default -F ${fn} ${name}`;
}

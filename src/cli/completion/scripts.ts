import type { Command } from "commander";
import { nodesOf } from "./tree.ts";
import type { Flag, Node, Values } from "./tree.ts";

export type Shell = "bash" | "zsh" | "fish";

/** The completion script of a program, whose options are all defined. */
export function scriptFor(shell: Shell, program: Command): string {
  const write = { bash, zsh, fish }[shell];
  return write(program.name(), nodesOf(program));
}

/** Words after the program's name lead to a command; then come the flags and arguments of that one. */
function bash(name: string, nodes: readonly Node[]): string {
  const func = `_${name.replace(/\W/g, "_")}`;
  return `# Completion of ${name} for bash, printed by: ${name} completion bash
${func}() {
  local current="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" at="" words="" i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$at/\${COMP_WORDS[i]}" in
      ${paths(nodes)}) at="$at/\${COMP_WORDS[i]}" ;;
    esac
  done
  case "$at $before" in
${valueCases(nodes)
  .map(([patterns, values]) => `    ${patterns}) ${bashValues(values)} ;;`)
  .join("\n")}
  esac
  if [[ $current == -* ]]; then
    case "$at" in
${nodes.map(({ path, options }) => `      "${at(path)}") words="${flagWords(options).join(" ")}" ;;`).join("\n")}
    esac
  else
    case "$at" in
${nodes.flatMap((node) => bashArguments(node)).join("\n")}
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F ${func} ${name}
`;
}

function bashValues(values: Values): string {
  if (values === "files" || values === "anything") return "return";
  return `COMPREPLY=($(compgen -W "${values.words.join(" ")}" -- "$current")); return`;
}

function bashArguments({ path, commands, argument }: Node): string[] {
  const words = commands.map(({ name }) => name);
  if (words.length > 0) return [`      "${at(path)}") words="${words.join(" ")}" ;;`];
  if (typeof argument === "object") return [`      "${at(path)}") words="${argument.words.join(" ")}" ;;`];
  return [`      "${at(path)}") return ;;`];
}

function zsh(name: string, nodes: readonly Node[]): string {
  const func = `_${name.replace(/\W/g, "_")}`;
  return `#compdef ${name}
# Completion of ${name} for zsh, printed by: ${name} completion zsh
${func}() {
  local at="" i
  local -a found
  for ((i = 2; i < CURRENT; i++)); do
    case "$at/\${words[i]}" in
      ${paths(nodes)}) at="$at/\${words[i]}" ;;
    esac
  done
  case "$at \${words[CURRENT-1]}" in
${valueCases(nodes)
  .map(([patterns, values]) => `    ${patterns}) ${zshValues(values)}; return ;;`)
  .join("\n")}
  esac
  if [[ "\${words[CURRENT]}" == -* ]]; then
    case "$at" in
${nodes.map(({ path, options }) => `      "${at(path)}") found=(${options.flatMap(zshFlag).join(" ")}) ;;`).join("\n")}
    esac
    _describe -o flag found
    return
  fi
  case "$at" in
${nodes.map((node) => `    "${at(node.path)}") ${zshArguments(node)} ;;`).join("\n")}
  esac
}
if [[ "\${funcstack[1]}" == "${func}" ]]; then ${func} "$@"; else compdef ${func} ${name}; fi
`;
}

function zshValues(values: Values): string {
  if (values === "files") return "_files";
  return values === "anything" ? "_message value" : `compadd -- ${values.words.join(" ")}`;
}

function zshFlag({ short, long, summary }: Flag): string[] {
  return [short, long].flatMap((flag) => (flag === undefined ? [] : [zshItem(flag, summary)]));
}

function zshArguments({ commands, argument }: Node): string {
  if (commands.length > 0)
    return `found=(${commands.map(({ name, summary }) => zshItem(name, summary)).join(" ")}); _describe command found`;
  return argument === undefined ? "_message 'no more arguments'" : zshValues(argument);
}

function zshItem(word: string, summary: string): string {
  return quoted(`${word.replaceAll(":", "\\:")}:${summary}`);
}

function fish(name: string, nodes: readonly Node[]): string {
  const func = `__${name.replace(/\W/g, "_")}_at`;
  const lines = nodes.flatMap((node) => fishLines(name, func, node));
  return `# Completion of ${name} for fish, printed by: ${name} completion fish
function ${func} --description 'Whether the words so far lead to this command'
    set -l at ''
    for word in (commandline -opc)[2..-1]
        switch "$at/$word"
            case ${nodes
              .filter(({ path }) => path.length > 0)
              .map(({ path }) => quoted(at(path)))
              .join(" ")}
                set at "$at/$word"
        end
    end
    test "$at" = "$argv[1]"
end
complete -c ${name} -f
${lines.join("\n")}
`;
}

function fishLines(name: string, func: string, { path, commands, options, argument }: Node): string[] {
  const base = `complete -c ${name} -n ${quoted(`${func} "${at(path)}"`)}`;
  return [
    ...commands.map((command) => `${base} -a ${command.name} -d ${quoted(command.summary)}`),
    ...options.map((option) => `${base} ${fishFlag(option)}`),
    ...(commands.length > 0 || argument === undefined ? [] : fishArgument(base, argument)),
  ];
}

function fishFlag({ short, long, summary, value }: Flag): string {
  const parts = [
    ...(short === undefined ? [] : [`-s ${short.slice(1)}`]),
    ...(long === undefined ? [] : [`-l ${long.slice(2)}`]),
    ...(value === undefined
      ? []
      : [value === "files" ? "-r -F" : value === "anything" ? "-x" : `-x -a ${quoted(value.words.join(" "))}`]),
    `-d ${quoted(summary)}`,
  ];
  return parts.join(" ");
}

function fishArgument(base: string, argument: Values): string[] {
  if (argument === "anything") return [];
  return [argument === "files" ? `${base} -F` : `${base} -a ${quoted(argument.words.join(" "))}`];
}

/** Where a command stands, as the scripts write it: `/backfill/watch`. */
function at(path: readonly string[]): string {
  return path.map((word) => `/${word}`).join("");
}

/** Pattern of all places that can be reached. */
function paths(nodes: readonly Node[]): string {
  return nodes
    .filter(({ path }) => path.length > 0)
    .map(({ path }) => at(path))
    .join("|");
}

/** What the values of flags can be, each with the patterns of `place flag` of all flags that take it. */
function valueCases(nodes: readonly Node[]): [string, Values][] {
  const cases = nodes.flatMap(({ path, options }) =>
    options.flatMap(({ short, long, value }) => {
      if (value === undefined) return [];
      const patterns = [short, long].flatMap((flag) => (flag === undefined ? [] : [`"${at(path)} ${flag}"`]));
      return [{ patterns, value }];
    }),
  );
  const grouped = Map.groupBy(cases, ({ value }) => JSON.stringify(value));
  return [...grouped.values()].flatMap((alike): [string, Values][] => {
    const [first] = alike;
    return first ? [[alike.flatMap(({ patterns }) => patterns).join("|"), first.value]] : [];
  });
}

function flagWords(options: readonly Flag[]): string[] {
  return options.flatMap(({ short, long }) => [short, long].filter((flag) => flag !== undefined));
}

/** In single quotes, as every one of the shells reads them. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "’")}'`;
}

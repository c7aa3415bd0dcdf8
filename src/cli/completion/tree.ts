import type { Argument, Command, Option } from "commander";

/** What can be typed for a value. */
export type Values = { words: readonly string[] } | "files" | "anything";

/** A command, as far as completion asks. */
export interface Node {
  /** Words that lead to it, without the program's name. */
  path: readonly string[];
  commands: { name: string; summary: string }[];
  options: Flag[];
  /** Of its arguments: the first, which the others are like, if there are any. */
  argument: Values | undefined;
}

export interface Flag {
  short: string | undefined;
  long: string | undefined;
  summary: string;
  /** Undefined for one that takes no value. */
  value: Values | undefined;
}

/** A command and all below it. */
export function nodesOf(command: Command, path: readonly string[] = []): Node[] {
  const children = command.commands.map((child) => ({ child, name: child.name(), summary: summaryOf(child) }));
  const [argument] = command.registeredArguments;
  const node: Node = {
    path,
    commands: children.map(({ name, summary }) => ({ name, summary })),
    options: command.createHelp().visibleOptions(command).map(flagOf),
    argument: argument && valuesOf(argument, argument.name()),
  };
  return [node, ...children.flatMap(({ child, name }) => nodesOf(child, [...path, name]))];
}

function flagOf(option: Option): Flag {
  const { short, long, flags, description } = option;
  const takesValue = option.required || option.optional;
  return { short, long, summary: firstClause(description), value: takesValue ? valuesOf(option, flags) : undefined };
}

function valuesOf({ argChoices }: Argument | Option, text: string): Values {
  if (argChoices !== undefined) return { words: argChoices };
  return /file|folder|kubeconfig/.test(text) ? "files" : "anything";
}

function summaryOf(command: Command): string {
  return firstClause(command.summary() || command.description());
}

/** Enough for one line of a menu. */
function firstClause(text: string): string {
  return text.split(/[;:.] |\.$/)[0] ?? text;
}

import { Argument } from "commander";
import type { Command } from "commander";
import { action, EXIT } from "../failure.ts";
import type { Shell } from "./scripts.ts";

const EXAMPLES = `
Examples:
  source <(kestraflow completion bash)                             for this shell
  kestraflow completion bash > /etc/bash_completion.d/kestraflow   for everybody
  kestraflow completion zsh > "\${fpath[1]}/_kestraflow"
  kestraflow completion fish > ~/.config/fish/completions/kestraflow.fish

Make the script anew after an upgrade: it holds the commands and flags of this version, and starts no program.`;

/** `kestraflow completion` */
export function define(command: Command): void {
  command
    .description("Print a script that completes commands and flags in a shell.")
    .addArgument(new Argument("<shell>", "The shell").choices(["bash", "zsh", "fish"] satisfies Shell[]));
  command.addHelpText("after", EXAMPLES);
  command.action(
    action(async (shell: Shell) => {
      const { scriptFor } = await import("./scripts.ts");
      const { wholeProgram } = await import("../program.ts");
      process.stdout.write(scriptFor(shell, await wholeProgram()));
      return EXIT.ok;
    }),
  );
}

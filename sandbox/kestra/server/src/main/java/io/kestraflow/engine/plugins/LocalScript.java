package io.kestraflow.engine.plugins;

import io.kestra.core.models.property.Property;
import io.kestra.core.models.tasks.RunnableTask;
import io.kestra.core.runners.RunContext;
import io.kestra.plugin.core.runner.Process;
import io.kestra.plugin.scripts.exec.AbstractExecScript;
import io.kestra.plugin.scripts.exec.scripts.models.RunnerType;
import io.kestra.plugin.scripts.exec.scripts.models.ScriptOutput;
import io.kestra.plugin.scripts.exec.scripts.runners.CommandsWrapper;
import java.util.List;

/**
 * A script task over Kestra's own script base. It runs for real with the Process task runner, as a process of this machine;
 * with any other runner, Docker being the default, it fails and says what to do.
 */
public abstract class LocalScript extends AbstractExecScript implements RunnableTask<ScriptOutput> {
    protected Property<String> containerImage;

    @Override
    public Property<String> getContainerImage() {
        return containerImage;
    }

    /** The command lines to run, each by a shell. */
    protected abstract Property<List<String>> commandLines(RunContext runContext, CommandsWrapper commands) throws Exception;

    @Override
    public ScriptOutput run(RunContext runContext) throws Exception {
        if (!(taskRunner instanceof Process) && runner != RunnerType.PROCESS) {
            throw new UnsupportedOperationException(
                "The task runner " + taskRunner.getType() + " does not work in this sandbox: use the official Kestra image, or give "
                    + "the task `taskRunner: {type: io.kestra.plugin.core.runner.Process}`");
        }
        CommandsWrapper commands = commands(runContext).withTaskRunner(Process.instance());
        return commands
            .withInterpreter(interpreter)
            .withBeforeCommands(beforeCommands)
            .withBeforeCommandsWithOptions(true)
            .withCommands(commandLines(runContext, commands))
            .run();
    }
}

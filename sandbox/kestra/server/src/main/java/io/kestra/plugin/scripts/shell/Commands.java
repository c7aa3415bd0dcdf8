package io.kestra.plugin.scripts.shell;

import io.kestra.core.models.property.Property;
import io.kestra.core.runners.RunContext;
import io.kestra.plugin.scripts.exec.scripts.runners.CommandsWrapper;
import io.kestraflow.engine.plugins.LocalScript;
import jakarta.validation.constraints.NotNull;
import java.util.List;

/** Shell commands, one after the other. */
public class Commands extends LocalScript {
    @NotNull
    private Property<List<String>> commands;

    public Property<List<String>> getCommands() {
        return commands;
    }

    @Override
    protected Property<List<String>> commandLines(RunContext runContext, CommandsWrapper wrapper) {
        return commands;
    }
}
